#include "libdd/net/http_connection.hpp"

#include <array>
#include <limits>

#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include "dd/log.hpp"
#include "libdd/net/ascii.hpp"
#include "libdd/net/into.hpp"
#include "libdd/net/peer_departure.hpp"
#include "libdd/net/served_web_socket.hpp"
#include "libdd/net/target.hpp"
#include "libdd/net/web_socket_request.hpp"

namespace dd::net {
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t kReadSize = 4096;
constexpr std::size_t kLingerBytes = 256 * 1024;
constexpr std::chrono::milliseconds kLingerDeadline{2'000};
constexpr std::chrono::hours kNoDeadline{24 * 365};
constexpr int kHeadersTooLarge = 431;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

/// The peer went away, or we closed the socket: there is nobody to answer.
bool is_gone(const error_code& ec) {
  return ec == http::error::end_of_stream || ec == http::error::partial_message ||
         ec.category() != make_error_code(http::error::end_of_stream).category();
}

Error malformed_request(const error_code& ec) {
  return {ErrorCode::malformed, "cannot read request: " + ec.message(), {}, {}};
}

Error headers_too_large(const HttpServerOptions& options) {
  auto most = std::to_string(options.max_header_bytes) + " bytes";
  if (options.max_cookie_bytes > 0) most += ", or cookies over " + std::to_string(options.max_cookie_bytes);
  return {ErrorCode::too_large, "cannot read request: headers over " + most, {}, {}};
}

struct HeaderSizes {
  std::size_t cookies = 0;
  std::size_t others = 0;  // with the target
};

/// Of what was read. Where cookies have no limit of their own they are headers like others.
HeaderSizes sizes_of(const http::request_header<>& header, const HttpServerOptions& options) {
  constexpr std::size_t kPunctuation = 4;  // colon, blank, line end
  HeaderSizes sizes{0, header.target().size()};
  for (const auto& field : header) {
    const bool is_cookie = options.max_cookie_bytes > 0 && field.name() == http::field::cookie;
    (is_cookie ? sizes.cookies : sizes.others) += field.name_string().size() + field.value().size() + kPunctuation;
  }
  return sizes;
}

/// A handler's exception ends here, as an answer.
template <class T>
Task<Result<T>> guarded(const std::function<Task<Result<T>>(const ServerRequest&)>& call,
                        const ServerRequest& request) {
  std::string what;
  try {
    auto task = call(request);
    Result<T> outcome = co_await std::move(task);
    co_return outcome;
  } catch (const std::exception& e) {
    what = e.what();
  }
  log::error("handler threw",
             {{"request_id", request.request_id}, {"method", request.method}, {"path", request.path}, {"error", what}});
  co_return fail(ErrorCode::internal, "cannot answer: internal error");
}

/// The same behind a handshake, where nobody waits for an answer.
Task<void> guarded(const WebSocketHandler& talk, std::shared_ptr<WebSocket> socket, const ServerRequest& request) {
  std::string what;
  try {
    auto task = talk(socket, request);
    co_await std::move(task);
    co_return;
  } catch (const std::exception& e) {
    what = e.what();
  }
  log::error("WebSocket handler threw", {{"request_id", request.request_id}, {"path", request.path}, {"error", what}});
  co_await socket->close(WebSocket::Close::internal, "internal error");
}

void log_refusal(const Error& error, const ServerRequest& request) {
  if (error.code == ErrorCode::internal)
    log::error("request failed", {{"request_id", request.request_id},
                                  {"method", request.method},
                                  {"path", request.path},
                                  {"error", error.message}});
}

}  // namespace

struct HttpConnection::Buffer {
  boost::beast::flat_buffer bytes;
};

struct HttpConnection::Exchange {
  http::request_parser<http::empty_body> header;
  ServerRequest request;
  Router::Match match;
  bool keep_alive = false;
  bool body_pending = false;
};

HttpConnection::HttpConnection(asio::ip::tcp::socket socket, Accepted accepted, const Router& router,
                               const HttpServerOptions& options, Shares& public_bodies)
    : socket_(std::move(socket)),
      accepted_(std::move(accepted)),
      router_(router),
      options_(options),
      public_bodies_(public_bodies),
      buffer_(std::make_unique<Buffer>()) {
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  enter(Phase::header, options_.header_deadline);
}

HttpConnection::~HttpConnection() = default;

void HttpConnection::enter(Phase phase, std::chrono::milliseconds deadline) {
  phase_ = phase;
  deadline_ = std::chrono::steady_clock::now() + deadline;
  expired_ = false;
}

Task<void> HttpConnection::run() {
  bool more = true;
  while (more) {
    auto once = serve_one();
    more = co_await std::move(once);
  }
  if (!abandoned_) close();
}

Task<bool> HttpConnection::serve_one() {
  Exchange exchange;
  const bool read = co_await read_header(exchange);
  if (!read) co_return false;
  auto refused = co_await admit(exchange);
  if (abandoned_) co_return false;
  if (refused) co_return co_await answer(exchange, std::move(*refused));
  if (exchange.match.route->talk) co_return co_await converse(exchange);
  const bool whole = co_await read_body(exchange);
  if (!whole) co_return false;
  auto response = co_await handle(exchange);
  if (abandoned_) co_return false;
  co_return co_await answer(exchange, std::move(response));
}

Task<bool> HttpConnection::read_header(Exchange& exchange) {
  error_code ec;
  auto& bytes = buffer_->bytes;
  if (bytes.size() == 0) {
    if (!fresh_) enter(Phase::idle, options_.idle_deadline);
    const auto space = bytes.prepare(kReadSize);
    const auto count = co_await socket_.async_read_some(space, into(ec));
    if (ec) co_return false;
    bytes.commit(count);
  }
  if (!fresh_) enter(Phase::header, options_.header_deadline);
  fresh_ = false;
  request_id_ = new_request_id();
  exchange.header.header_limit(static_cast<std::uint32_t>(options_.max_header_bytes + options_.max_cookie_bytes));
  // The route's own limit follows once it is known. Not boost::none: Beast of 1.74 compares it as less than any length.
  exchange.header.body_limit(std::numeric_limits<std::uint64_t>::max());
  co_await http::async_read_header(socket_, bytes, exchange.header, into(ec));
  const auto sizes = sizes_of(exchange.header.get(), options_);
  const bool others_fit = sizes.others <= options_.max_header_bytes;
  // Beast's limit is that of what it holds at one time.
  if (!ec && !(others_fit && sizes.cookies <= options_.max_cookie_bytes)) ec = http::error::header_limit;
  if (!ec) co_return true;

  Error error = malformed_request(ec);
  int status = 0;
  bool forgets = false;
  if (expired_) {
    error = {ErrorCode::deadline_exceeded, "cannot read request: its headers took too long", {}, {}};
    status = 408;
  } else if (ec == http::error::header_limit || ec == http::error::buffer_overflow) {
    error = headers_too_large(options_);
    status = kHeadersTooLarge;
    // Not by a long address: any page could have its visitor signed out.
    forgets = options_.max_cookie_bytes > 0 && others_fit && !exchange.header.get().target().empty();
  } else if (is_gone(ec)) {
    co_return false;
  }
  co_await give_up(std::move(error), status, forgets);
  co_return false;
}

Task<std::optional<ServerResponse>> HttpConnection::admit(Exchange& exchange) {
  const auto& header = exchange.header.get();
  auto& request = exchange.request;
  exchange.keep_alive = header.keep_alive();
  exchange.body_pending = !exchange.header.is_done();
  request.method = view(header.method_string());
  request.target = view(header.target());
  for (const auto& field : header)
    request.headers.add(std::string(view(field.name_string())), std::string(view(field.value())));
  if (const auto* id = request.headers.find("X-Request-Id"); id && is_request_id(*id)) request_id_ = *id;
  request.request_id = request_id_;
  request.client = client_of(accepted_.peer, request.headers);

  auto target = parse_target(request.target);
  if (!target) co_return refusal(target.error(), request);
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  // RFC 9112, 3.2.
  if (header.version() == 11 && request.headers.count("Host") != 1)
    co_return refusal({ErrorCode::malformed, "cannot read request: it must have one Host header", {}, {}}, request);

  exchange.match = router_.match(request.method, request.path);
  const auto* route = exchange.match.route;
  if (!route && exchange.match.allow.empty())
    co_return refusal({ErrorCode::not_found, "cannot find " + request.path, {}, {}}, request);
  if (!route) {
    const Error error{ErrorCode::unsupported,
                      "cannot " + request.method + " " + request.path + ": allowed are " + exchange.match.allow,
                      {},
                      {}};
    auto refused = answer_to(error, 405);
    refused.headers.add("Allow", exchange.match.allow);
    co_return refused;
  }
  request.params = exchange.match.params;
  if (route->talk) {
    if (auto problem = web_socket_problem(request)) co_return web_socket_refusal(*problem, answer_to(*problem));
    // RFC 6455, 4.1: the client waits for the answer. Beast would lose what came before it.
    if (exchange.body_pending || buffer_->bytes.size() > 0)
      co_return refusal({ErrorCode::malformed, "cannot open a WebSocket: data came before the answer", {}, {}},
                        request);
  }

  if (route->options.authenticate) {
    enter(Phase::work, route->options.handler_deadline);
    auto principal = co_await guarded(route->options.authenticate, request);
    if (!principal) co_return refusal(principal.error(), request);
    request.principal = *std::move(principal);
  }
  if (const auto length = exchange.header.content_length(); length && *length > route->options.max_body) {
    const auto most = std::to_string(route->options.max_body);
    co_return refusal({ErrorCode::too_large, "cannot read body: over " + most + " bytes", {}, {}}, request);
  }
  co_return std::nullopt;
}

Task<bool> HttpConnection::read_body(Exchange& exchange) {
  if (!exchange.body_pending) co_return true;
  const auto most = exchange.match.route->options.max_body;
  std::optional<Shares::Share> share;
  if (!exchange.match.route->options.authenticate) {
    share = public_bodies_.take(exchange.request.client);
    if (!share) {
      Error error{ErrorCode::rate_limited, "cannot read body: too many of yours at once, try again", {}, {}};
      error.retry_after = std::chrono::seconds(1);
      co_await give_up(std::move(error), 0);
      co_return false;
    }
  }
  error_code ec;
  enter(Phase::body, options_.body_deadline);
  const auto* expect = exchange.request.headers.find("Expect");
  if (expect && same_ignoring_case(*expect, "100-continue") && exchange.header.get().version() == 11) {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    const auto bytes = asio::buffer(kContinue.data(), kContinue.size());
    co_await asio::async_write(socket_, bytes, into(ec));
    if (ec) co_return false;
  }
  http::request_parser<http::string_body> parser(std::move(exchange.header));
  parser.body_limit(most);
  co_await http::async_read(socket_, buffer_->bytes, parser, into(ec));
  if (!ec) {
    exchange.request.body = std::move(parser.get().body());
    exchange.body_pending = false;
    co_return true;
  }

  Error error = malformed_request(ec);
  int status = 0;
  if (expired_) {
    error = {ErrorCode::deadline_exceeded, "cannot read request: its body took too long", {}, {}};
    status = 408;
  } else if (ec == http::error::body_limit) {
    error = {ErrorCode::too_large, "cannot read body: over " + std::to_string(most) + " bytes", {}, {}};
  } else if (is_gone(ec)) {
    co_return false;
  }
  co_await give_up(std::move(error), status);
  co_return false;
}

Task<ServerResponse> HttpConnection::handle(Exchange& exchange) {
  const auto& route = *exchange.match.route;
  enter(Phase::work, route.options.handler_deadline);
  const bool watched = route.options.watch_caller;
  if (watched) {
    left_ = std::stop_source();
    exchange.request.caller_left = left_.get_token();
    spawn(socket_.get_executor(), watch_caller(shared_from_this(), left_), "caller of a request");
  }
  auto outcome = co_await guarded(route.handler, exchange.request);
  error_code ignored;
  // Nothing else is under way on it, unless an answer is being written already.
  if (watched && !abandoned_) socket_.cancel(ignored);
  left_ = std::stop_source(std::nostopstate);
  if (outcome) co_return *std::move(outcome);
  co_return refusal(outcome.error(), exchange.request);
}

Task<void> HttpConnection::watch_caller(std::shared_ptr<HttpConnection> self, std::stop_source left) {
  // The handler may have ended before this began.
  if (self->left_ != left) co_return;
  const bool gone = co_await peer_left(self->socket_);
  if (gone) left.request_stop();
}

Task<bool> HttpConnection::converse(Exchange& exchange) {
  const auto& route = *exchange.match.route;
  if (finishing_) {
    auto refused = answer_to({ErrorCode::unavailable, "cannot open a WebSocket: the server is stopping", {}, {}});
    co_return co_await answer(exchange, std::move(refused));
  }
  web_socket_ = ServedWebSocket::over(std::move(socket_), route.options.max_body, options_.ping_interval);
  enter(Phase::talk, kNoDeadline);
  const bool accepted = co_await web_socket_->accept(exchange.request);
  if (accepted) {
    auto task = guarded(route.talk, web_socket_, exchange.request);
    co_await std::move(task);
    co_await web_socket_->close(WebSocket::Close::normal, "");
  }
  web_socket_->abort();
  co_return false;
}

Task<bool> HttpConnection::answer(Exchange& exchange, ServerResponse response) {
  const bool keep = exchange.keep_alive && !exchange.body_pending && !finishing_;
  auto head = answer_head(response, request_id_, keep ? Persistence::keep_alive : Persistence::close);
  if (exchange.request.method == "HEAD") response.body.clear();
  const bool written = co_await write(std::move(head), std::move(response.body));
  if (!written) co_return false;
  if (!keep) co_await linger();
  co_return keep;
}

ServerResponse HttpConnection::answer_to(const Error& error, int status) const {
  return options_.render_error ? options_.render_error(error) : error_answer(error, request_id_, status);
}

ServerResponse HttpConnection::refusal(const Error& error, const ServerRequest& request) const {
  log_refusal(error, request);
  return answer_to(error);
}

Task<void> HttpConnection::give_up(Error error, int status, bool forget_cookies) {
  auto response = answer_to(error, status);
  if (forget_cookies) response.headers.set("Clear-Site-Data", "\"cookies\"");
  auto head = answer_head(response, request_id_, Persistence::close);
  const bool written = co_await write(std::move(head), std::move(response.body));
  if (written) co_await linger();
}

Task<void> HttpConnection::refuse() {
  request_id_ = new_request_id();
  Error error{ErrorCode::unavailable, "cannot serve: too many connections", {}, {}};
  co_await give_up(std::move(error), 0);
  close();
}

Task<void> HttpConnection::answer_late(std::shared_ptr<HttpConnection> self, ServerResponse response) {
  auto head = answer_head(response, self->request_id_, Persistence::close);
  const bool written = co_await self->write(std::move(head), std::move(response.body));
  if (written) co_await self->linger();
  self->close();
}

Task<bool> HttpConnection::write(std::string head, std::string body) {
  enter(Phase::write, options_.write_deadline);
  error_code ec;
  const std::array<asio::const_buffer, 2> buffers = {asio::buffer(head), asio::buffer(body)};
  co_await asio::async_write(socket_, buffers, into(ec));
  co_return !ec;
}

Task<void> HttpConnection::linger() {
  enter(Phase::linger, kLingerDeadline);
  error_code ec;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ec);
  std::array<char, kReadSize> scrap;
  const auto space = asio::buffer(scrap);
  for (std::size_t total = 0; !ec && total < kLingerBytes;) total += co_await socket_.async_read_some(space, into(ec));
}

void HttpConnection::expire(TimePoint now) {
  if (now < deadline_) return;
  if (phase_ != Phase::work) {
    expired_ = true;
    error_code ignored;
    socket_.cancel(ignored);
  } else if (!abandoned_) {
    abandoned_ = true;
    left_.request_stop();
    const Error error{ErrorCode::deadline_exceeded, "cannot answer in time", {}, {}};
    auto response = answer_to(error);
    spawn(socket_.get_executor(), answer_late(shared_from_this(), std::move(response)), "late answer");
  }
}

void HttpConnection::finish() {
  finishing_ = true;
  if (web_socket_)
    spawn(web_socket_->executor(), web_socket_->close(WebSocket::Close::going_away, "the server is stopping"),
          "close of a WebSocket", web_socket_);
  const bool nothing_read = buffer_->bytes.size() == 0 && phase_ == Phase::header && fresh_;
  if (phase_ == Phase::idle || nothing_read) close();
}

void HttpConnection::close() {
  if (web_socket_) web_socket_->abort();
  left_.request_stop();
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace dd::net
