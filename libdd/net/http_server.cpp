#include "libdd/net/http_server.hpp"

#include <algorithm>
#include <list>
#include <unordered_set>

#include "dd/log.hpp"
#include "libdd/net/http_connection.hpp"
#include "libdd/net/into.hpp"
#include "libdd/net/listen.hpp"
#include "libdd/net/shares.hpp"

namespace dd::net {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

/// Connections that are told 503 at one time; more are closed without a word.
constexpr std::size_t kMaxRefusals = 64;

/// How often deadlines are looked at: fine enough for the shortest of them, never busy.
milliseconds sweep_interval(const Router& router, const HttpServerOptions& options) {
  auto shortest =
      std::min({options.header_deadline, options.body_deadline, options.idle_deadline, options.write_deadline});
  for (const auto& route : router.routes()) shortest = std::min(shortest, route.options.handler_deadline);
  return std::clamp(shortest / 4, milliseconds(5), milliseconds(250));
}

bool is_exhausted(const error_code& ec) {
  return ec == boost::system::errc::too_many_files_open || ec == boost::system::errc::too_many_files_open_in_system ||
         ec == boost::system::errc::no_buffer_space || ec == boost::system::errc::not_enough_memory;
}

}  // namespace

struct HttpServer::Impl : std::enable_shared_from_this<Impl> {
  using Connections = std::unordered_set<HttpConnection*>;

  Impl(asio::any_io_executor e, Router r, HttpServerOptions o)
      : executor(std::move(e)),
        router(std::move(r)),
        options(std::move(o)),
        changed(executor),
        of_others(options.max_connections_per_uid, options.max_connections_of_others),
        public_bodies(options.max_public_bodies_per_client, options.max_public_bodies) {}

  Result<void> listen();
  Result<void> take_over();
  void close_acceptors();
  void admit(tcp::socket socket);
  void close_all();

  // Everything below belongs to the io thread.
  asio::any_io_executor executor;
  Router router;
  HttpServerOptions options;
  std::list<tcp::acceptor> acceptors;  // once closed they stay, for who waits at them
  Connections serving;
  Connections refusing;
  Event changed;
  Shares of_others;
  Shares public_bodies;
  std::uint16_t port = 0;
  bool listening = false;
  bool exhausted = false;
};

namespace {

/// In the set from accept until its coroutine is gone, also when the io_context destroys that.
template <class Impl>
struct ServedConnection {
  std::shared_ptr<Impl> impl;
  std::unordered_set<HttpConnection*>& set;
  std::shared_ptr<HttpConnection> connection;

  ServedConnection(std::shared_ptr<Impl> i, std::unordered_set<HttpConnection*>& s, std::shared_ptr<HttpConnection> c)
      : impl(std::move(i)), set(s), connection(std::move(c)) {
    set.insert(connection.get());
  }
  ~ServedConnection() {
    set.erase(connection.get());
    impl->changed.notify();
  }
  ServedConnection(const ServedConnection&) = delete;
  ServedConnection& operator=(const ServedConnection&) = delete;
};

template <class Impl>
Task<void> serve(std::unique_ptr<ServedConnection<Impl>> enrolled) {
  co_await enrolled->connection->run();
}

template <class Impl>
Task<void> refuse_one(std::unique_ptr<ServedConnection<Impl>> enrolled) {
  co_await enrolled->connection->refuse();
}

}  // namespace

Result<void> HttpServer::Impl::take_over() {
  for (const int fd : options.listen_fds) {
    auto& acceptor = acceptors.emplace_back(executor);
    const auto failed = listen_with(acceptor, fd);
    if (failed)
      return fail(ErrorCode::invalid_argument,
                  "cannot listen with descriptor " + std::to_string(fd) + ": " + failed.message());
    error_code ignored;
    if (port == 0) port = acceptor.local_endpoint(ignored).port();
  }
  return {};
}

Result<void> HttpServer::Impl::listen() {
  if (!options.listen_fds.empty()) return take_over();
  error_code ec;
  const auto address = asio::ip::make_address(options.address, ec);
  if (ec) return fail(ErrorCode::invalid_argument, "cannot listen on \"" + options.address + "\": not an IP address");
  const tcp::endpoint endpoint(address, options.port);
  auto& acceptor = acceptors.emplace_back(executor);
  ec = listen_on(acceptor, endpoint);
  if (!ec) port = acceptor.local_endpoint(ec).port();
  if (!ec) return {};
  return fail(ErrorCode::unavailable,
              "cannot listen on " + options.address + ":" + std::to_string(options.port) + ": " + ec.message());
}

void HttpServer::Impl::admit(tcp::socket socket) {
  auto peer = peer_of(socket);
  std::optional<Shares::Share> share;
  const auto counted = share_of(peer);
  if (counted) share = of_others.take(*counted);
  const bool full = serving.size() >= options.max_connections || (counted && !share);
  if (full && refusing.size() >= kMaxRefusals) return;
  auto connection = std::make_shared<HttpConnection>(std::move(socket), Accepted{std::move(peer), std::move(share)},
                                                     router, options, public_bodies);
  auto enrolled =
      std::make_unique<ServedConnection<Impl>>(shared_from_this(), full ? refusing : serving, std::move(connection));
  spawn(executor, full ? refuse_one(std::move(enrolled)) : serve(std::move(enrolled)), "http connection");
}

void HttpServer::Impl::close_acceptors() {
  listening = false;
  error_code ignored;
  for (auto& acceptor : acceptors) acceptor.close(ignored);
}

void HttpServer::Impl::close_all() {
  close_acceptors();
  for (auto* connection : serving) connection->close();
  for (auto* connection : refusing) connection->close();
}

namespace {

/// Coroutines take the owner as a parameter: they start later than they are spawned.
template <class Impl>
Task<void> accept_until_closed(std::shared_ptr<Impl> self, tcp::acceptor* acceptor) {
  while (acceptor->is_open()) {
    tcp::socket socket(self->executor);
    error_code ec;
    co_await acceptor->async_accept(socket, into(ec));
    if (!ec) {
      self->exhausted = false;
      self->admit(std::move(socket));
    } else if (is_exhausted(ec)) {
      if (!self->exhausted) log::warning("cannot accept connections", {{"port", self->port}, {"error", ec.message()}});
      self->exhausted = true;
      co_await sleep_for(kAcceptPause);
    }
    // Others (ECONNABORTED) are the peer's; operation_aborted ends the loop through is_open().
  }
}

template <class Impl>
Task<void> sweep_until_closed(std::shared_ptr<Impl> self) {
  const auto interval = sweep_interval(self->router, self->options);
  while (self->listening || !self->serving.empty()) {
    co_await sleep_for(interval);
    const auto now = std::chrono::steady_clock::now();
    for (auto* connection : self->serving) connection->expire(now);
    for (auto* connection : self->refusing) connection->expire(now);
  }
}

}  // namespace

HttpServer::HttpServer(asio::any_io_executor executor, Router router, HttpServerOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(router), std::move(options))) {}

HttpServer::~HttpServer() { impl_->close_all(); }

Result<void> HttpServer::start() {
  if (auto listening = impl_->listen(); !listening) return listening;
  impl_->listening = true;
  for (auto& acceptor : impl_->acceptors) spawn(impl_->executor, accept_until_closed(impl_, &acceptor), "http accept");
  spawn(impl_->executor, sweep_until_closed(impl_), "http deadlines");
  return {};
}

std::uint16_t HttpServer::port() const noexcept { return impl_->port; }

Task<void> HttpServer::stop(milliseconds grace) {
  const auto impl = impl_;
  impl->close_acceptors();
  for (auto* connection : impl->serving) connection->finish();
  const auto until = std::chrono::steady_clock::now() + grace;
  while (!impl->serving.empty()) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
    if (left <= milliseconds(0)) break;
    co_await impl->changed.wait(left);
  }
  impl->close_all();
}

}  // namespace dd::net
