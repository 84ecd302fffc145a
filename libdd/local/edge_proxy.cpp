#include "libdd/local/edge_proxy.hpp"

#include <array>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "dd/bytes.hpp"
#include "dd/random.hpp"
#include "libdd/local/pump.hpp"
#include "libdd/net/listen.hpp"
#include "libdd/net/peer_departure.hpp"

namespace dd::local {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Socket = std::shared_ptr<tcp::socket>;
using RequestParser = http::request_parser<http::buffer_body>;
using ResponseParser = http::response_parser<http::buffer_body>;

constexpr std::uint32_t kMaxHeader = 63 * 1024;  // Beast throws at a field of 64 KiB
constexpr std::size_t kProxyChunk = 16 * 1024;
// Boost 1.74 takes boost::none for a limit of zero when a length is given.
constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t kMaxConnections = 4096;

std::string request_id() {
  std::array<std::byte, 8> noise{};
  system_random().fill(noise);
  return to_hex(noise);
}

std::string host_of(const http::request<http::buffer_body>& request) {
  const std::string host(request[http::field::host]);
  return host.substr(0, host.rfind(':') == std::string::npos ? host.size() : host.rfind(':'));
}

/// Copies header and body from one side to the other in bounded pieces.
template <class Parser, class Serializer>
net::Task<boost::system::error_code> relay(tcp::socket& from, beast::flat_buffer& buffer, Parser& parser,
                                           Serializer& serializer, tcp::socket& to) {
  boost::system::error_code failed;
  co_await http::async_write_header(to, serializer, asio::redirect_error(asio::use_awaitable, failed));
  if (failed && failed != http::error::need_buffer) co_return failed;
  std::vector<char> chunk(kProxyChunk);
  auto& body = parser.get().body();
  // A message without a body is complete with its header.
  if (parser.is_done() && serializer.is_done()) co_return boost::system::error_code();
  do {
    failed = {};
    if (!parser.is_done()) {
      body.data = chunk.data();
      body.size = chunk.size();
      co_await http::async_read(from, buffer, parser, asio::redirect_error(asio::use_awaitable, failed));
      if (failed == http::error::need_buffer) failed = {};
      if (failed) co_return failed;
      body.size = chunk.size() - body.size;
      body.data = chunk.data();
      body.more = !parser.is_done();
    } else {
      body.data = nullptr;
      body.size = 0;
      body.more = false;
    }
    co_await http::async_write(to, serializer, asio::redirect_error(asio::use_awaitable, failed));
    if (failed == http::error::need_buffer) failed = {};
    if (failed) co_return failed;
  } while (!parser.is_done() || !serializer.is_done());
  co_return boost::system::error_code();
}

/// As Cloudflare: a request ends with its client.
net::Task<void> watch_client(Socket client, Socket upstream) {
  const bool gone = co_await net::peer_left(*client);
  if (gone) close_socket(*upstream);
}

net::Task<void> answer(tcp::socket& client, unsigned status, std::string body, const std::string& id) {
  http::response<http::string_body> response;
  response.version(11);
  response.result(status);
  response.set(http::field::server, "dd-edge");
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  response.set(http::field::connection, "close");
  response.set("CF-Ray", id);
  response.body() = std::move(body);
  response.prepare_payload();
  boost::system::error_code ignored;
  co_await http::async_write(client, response, asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace

struct EdgeProxy::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::any_io_executor e, EdgeState& s, EdgeReverse& r) : executor(e), acceptor(e), state(s), reverse(r) {}

  net::Task<void> accept_all();
  net::Task<void> serve(Socket client);
  /// True when the client's connection can take another request.
  net::Task<bool> serve_one(Socket client, beast::flat_buffer& buffer);
  net::Task<bool> forward(Socket client, beast::flat_buffer& buffer, RequestParser& request, Socket upstream,
                          std::string id);

  asio::any_io_executor executor;
  tcp::acceptor acceptor;
  EdgeState& state;
  EdgeReverse& reverse;
  std::set<Socket> clients;
  bool stopping = false;
};

net::Task<void> EdgeProxy::Impl::accept_all() {
  boost::system::error_code failed;
  while (!stopping) {
    auto socket = std::make_shared<tcp::socket>(executor);
    co_await acceptor.async_accept(*socket, asio::redirect_error(asio::use_awaitable, failed));
    if (failed == asio::error::operation_aborted || stopping) co_return;
    if (failed || clients.size() >= kMaxConnections) {
      const std::chrono::milliseconds pause(20);
      co_await net::sleep_for(pause);
      continue;
    }
    socket->set_option(tcp::no_delay(true), failed);
    clients.insert(socket);
    net::spawn(executor, serve(std::move(socket)), "edge connection", shared_from_this());
  }
}

net::Task<void> EdgeProxy::Impl::serve(Socket client) {
  beast::flat_buffer buffer(kMaxHeader + kProxyChunk);
  bool again = true;
  while (again && !stopping) again = co_await serve_one(client, buffer);
  close_socket(*client);
  clients.erase(client);
}

net::Task<bool> EdgeProxy::Impl::serve_one(Socket client, beast::flat_buffer& buffer) {
  RequestParser request;
  request.header_limit(kMaxHeader);
  request.body_limit(kUnlimited);
  boost::system::error_code failed;
  co_await http::async_read_header(*client, buffer, request, asio::redirect_error(asio::use_awaitable, failed));
  if (failed) co_return false;
  const auto id = request_id();
  const auto host = host_of(request.get());
  const auto route = state.route(host);
  if (route.kind == EdgeRoute::Kind::no_record) {
    co_await answer(*client, 404, "no DNS record for " + host + "\n", id);
    co_return false;
  }
  if (route.kind == EdgeRoute::Kind::tunnel_gone) {
    co_await answer(*client, 530, "error code: 1016\n", id);
    co_return false;
  }
  auto upstream = co_await reverse.take(route.tunnel_id);
  if (!upstream) {
    co_await answer(*client, 530, "error code: 1033\n", id);
    co_return false;
  }
  co_return co_await forward(client, buffer, request, upstream, id);
}

net::Task<bool> EdgeProxy::Impl::forward(Socket client, beast::flat_buffer& buffer, RequestParser& request,
                                         Socket upstream, std::string id) {
  auto& message = request.get();
  const bool keep_alive = message.keep_alive();
  const bool upgrade = http::token_list(message[http::field::connection]).exists("upgrade");
  if (message[http::field::expect] == "100-continue") {
    boost::system::error_code ignored;
    const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    const auto data = asio::buffer(go_on);
    co_await asio::async_write(*client, data, asio::redirect_error(asio::use_awaitable, ignored));
    message.erase(http::field::expect);
  }
  boost::system::error_code failed;
  const auto address = client->remote_endpoint(failed).address().to_string();
  message.set("CF-Connecting-IP", address);
  message.set("CF-Ray", id);
  message.set("X-Forwarded-For", address);
  message.set("X-Forwarded-Proto", "http");
  if (!upgrade) message.set(http::field::connection, "close");

  http::request_serializer<http::buffer_body> out(message);
  const auto sent = co_await relay(*client, buffer, request, out, *upstream);
  if (sent == http::error::end_of_stream || sent == http::error::partial_message) {
    close_socket(*upstream);
    co_return false;
  }
  // A server may answer before it has read the whole body; its answer is still worth having.
  ResponseParser response;
  response.header_limit(kMaxHeader);
  response.body_limit(kUnlimited);
  beast::flat_buffer back(kMaxHeader + kProxyChunk);
  if (message.method() == http::verb::head) response.skip(true);
  net::spawn(executor, watch_client(client, upstream), "client of the edge");
  co_await http::async_read_header(*upstream, back, response, asio::redirect_error(asio::use_awaitable, failed));
  boost::system::error_code ignored;
  client->cancel(ignored);
  if (failed) {
    close_socket(*upstream);
    co_await answer(*client, 502, "the tunnel's connector broke off: " + failed.message() + "\n", id);
    co_return false;
  }
  const bool switching = response.get().result() == http::status::switching_protocols;
  if (!switching) response.get().keep_alive(keep_alive && !sent);
  response.get().set("CF-Ray", id);
  http::response_serializer<http::buffer_body> in(response.get());
  if (switching) {
    co_await http::async_write_header(*client, in, asio::redirect_error(asio::use_awaitable, failed));
    if (!failed || failed == http::error::need_buffer) {
      if (buffer.size() > 0)
        co_await asio::async_write(*upstream, buffer.data(), asio::redirect_error(asio::use_awaitable, failed));
      if (back.size() > 0)
        co_await asio::async_write(*client, back.data(), asio::redirect_error(asio::use_awaitable, failed));
      co_await pump(client, upstream);
    }
    co_return false;
  }
  const bool until_close = !response.chunked() && !response.content_length() && !response.is_done();
  const auto returned = co_await relay(*upstream, back, response, in, *client);
  close_socket(*upstream);
  co_return keep_alive && !sent && !returned && !until_close;
}

EdgeProxy::EdgeProxy(asio::any_io_executor executor, EdgeState& state, EdgeReverse& reverse)
    : impl_(std::make_shared<Impl>(std::move(executor), state, reverse)) {}

EdgeProxy::~EdgeProxy() { stop(); }

Result<void> EdgeProxy::start(std::uint16_t port) {
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
  if (const auto failed = net::listen_on(impl_->acceptor, endpoint))
    return fail(ErrorCode::unavailable, fmt::format("cannot listen on port {}: {}", port, failed.message()));
  net::spawn(impl_->executor, impl_->accept_all(), "edge listener", impl_);
  return {};
}

std::uint16_t EdgeProxy::port() const { return impl_->acceptor.local_endpoint().port(); }

void EdgeProxy::stop() {
  impl_->stopping = true;
  boost::system::error_code ignored;
  impl_->acceptor.close(ignored);
  for (const auto& client : impl_->clients) close_socket(*client);
}

}  // namespace dd::local
