#include "libdd/local/connector_link.hpp"

#include <algorithm>
#include <list>
#include <map>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

#include "dd/bytes.hpp"
#include "dd/log.hpp"
#include "dd/random.hpp"
#include "libdd/core/decimal.hpp"
#include "libdd/core/json.hpp"
#include "libdd/local/pump.hpp"

namespace dd::local {
namespace {

using asio::ip::tcp;
using Socket = std::shared_ptr<tcp::socket>;

constexpr int kPool = 8;
constexpr std::size_t kMaxLine = 1024 * 1024;
constexpr std::size_t kMaxHead = 80 * 1024;
constexpr std::chrono::milliseconds kFirstPause{200};
constexpr std::chrono::milliseconds kLongestPause{2'000};

std::string make_id() {
  std::array<std::byte, 16> noise{};
  system_random().fill(noise);
  return to_hex(noise);
}

std::string host_in(std::string_view head) {
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos && at + 2 < head.size();
       at = head.find("\r\n", at + 2)) {
    const auto line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() < 5 || !std::equal(line.begin(), line.begin() + 5, "host:", [](char a, char b) {
          return (a | 0x20) == (b | (b == ':' ? 0 : 0x20)) || a == b;
        }))
      continue;
    auto value = line.substr(5);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    std::string host(value.substr(0, value.rfind(':') == std::string_view::npos ? value.size() : value.rfind(':')));
    std::transform(host.begin(), host.end(), host.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return host;
  }
  return {};
}

/// Where a rule leads: "http://localhost:8080" to that port in both families, ::1 first, as Go's dialer and so cloudflared's has it where /etc/hosts
/// lists that; an address to that one. Nowhere for anything that is not a local port.
std::vector<tcp::endpoint> endpoints_of(const std::string& service) {
  const asio::ip::address v4 = asio::ip::address_v4::loopback();
  const asio::ip::address v6 = asio::ip::address_v6::loopback();
  const std::pair<std::string_view, std::vector<asio::ip::address>> hosts[] = {
      {"://localhost:", {v6, v4}}, {"://127.0.0.1:", {v4}}, {"://[::1]:", {v6}}};
  std::vector<tcp::endpoint> endpoints;
  for (const auto& [host, addresses] : hosts) {
    const auto at = service.find(host);
    if (at == std::string::npos) continue;
    const auto port = decimal<std::uint16_t>(std::string_view(service).substr(at + host.size())).value_or(0);
    for (const auto& address : addresses)
      if (port != 0) endpoints.emplace_back(address, port);
  }
  return endpoints;
}

net::Task<bool> write_all(Socket socket, std::string text) {
  boost::system::error_code failed;
  const auto data = asio::buffer(text);
  co_await asio::async_write(*socket, data, asio::redirect_error(asio::use_awaitable, failed));
  co_return !failed;
}

}  // namespace

struct ConnectorLink::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::any_io_executor e, RunToken t) : executor(e), token(std::move(t)), wake(e), halted(e) {}

  net::Task<void> keep_control();
  net::Task<void> serve_control(Socket socket, std::string text);
  /// After the delay that the edge asks for. False when the edge is gone.
  net::Task<bool> apply(Socket socket, Json message);
  net::Task<void> apply_later(Socket socket, Json message);
  net::Task<void> keep_pool();
  net::Task<void> serve_data(Socket socket, std::string head);
  /// Dials in and says hello. What followed the welcome is left in `text`.
  net::Task<Result<Socket>> dial(std::string kind, std::string& text);
  net::Task<void> answer(Socket socket, std::string head);

  asio::any_io_executor executor;
  RunToken token;
  std::string id = make_id();
  net::Event wake;  // the pool has room, or is allowed to fill
  net::Event halted;
  Json config = Json::object();
  std::int64_t version = -1;
  std::list<Socket> open;
  int idle = 0;
  bool connected = false;
  bool stopping = false;
};

net::Task<Result<Socket>> ConnectorLink::Impl::dial(std::string kind, std::string& text) {
  boost::system::error_code failed;
  const auto address = asio::ip::make_address(token.host, failed);
  if (failed) co_return fail(ErrorCode::invalid_argument, "cannot dial the edge: " + token.host + " is no address");
  auto socket = std::make_shared<tcp::socket>(executor);
  const tcp::endpoint endpoint(address, token.port);
  co_await socket->async_connect(endpoint, asio::redirect_error(asio::use_awaitable, failed));
  if (failed) co_return fail(ErrorCode::unavailable, "cannot dial the edge: " + failed.message());
  socket->set_option(tcp::no_delay(true), failed);
  const Json hello = {{"kind", kind},
                      {"account", token.account},
                      {"tunnel", token.tunnel},
                      {"secret", token.secret},
                      {"connector_id", id}};
  const bool sent = co_await write_all(socket, to_text(hello) + "\n");
  if (!sent) co_return fail(ErrorCode::unavailable, "cannot dial the edge: it broke off");
  const auto size = co_await asio::async_read_until(*socket, asio::dynamic_buffer(text, kMaxLine), '\n',
                                                    asio::redirect_error(asio::use_awaitable, failed));
  if (failed) co_return fail(ErrorCode::unavailable, "cannot dial the edge: " + failed.message());
  const auto welcome = parse_json(std::string_view(text).substr(0, size));
  text.erase(0, size);
  if (!welcome || !welcome->is_object())
    co_return fail(ErrorCode::upstream, "cannot dial the edge: it speaks something else");
  if (!welcome->value("ok", false)) co_return fail(ErrorCode::unauthenticated, welcome->value("error", "refused"));
  open.push_back(socket);
  co_return socket;
}

net::Task<void> ConnectorLink::Impl::keep_control() {
  auto pause = kFirstPause;
  while (!stopping) {
    std::string text;
    auto socket = co_await dial("control", text);
    if (socket) {
      pause = kFirstPause;
      co_await serve_control(*socket, std::move(text));
      open.remove(*socket);
      connected = false;
    } else {
      log::error("Register tunnel error from server side", {{"error", socket.error().message}});
    }
    if (stopping) co_return;
    // Not `wake`: a dropped connector must stay away for a while, or its tunnel could never be deleted.
    co_await halted.wait(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

net::Task<void> ConnectorLink::Impl::serve_control(Socket socket, std::string text) {
  boost::system::error_code failed;
  while (true) {
    const auto size = co_await asio::async_read_until(*socket, asio::dynamic_buffer(text, kMaxLine), '\n',
                                                      asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return;
    const auto message = parse_json(std::string_view(text).substr(0, size));
    text.erase(0, size);
    if (!message || !message->is_object()) co_return;
    if (message->value("apply_late_ms", 0) > 0 && connected) {
      net::spawn(executor, apply_later(socket, *message), "late configuration", shared_from_this());
      continue;
    }
    const bool sent = co_await apply(socket, *message);
    if (!sent) co_return;
  }
}

net::Task<void> ConnectorLink::Impl::apply_later(Socket socket, Json message) {
  const std::chrono::milliseconds late(message.value("apply_late_ms", 0));
  co_await halted.wait(late);
  if (stopping || message.value("version", std::int64_t{0}) <= version) co_return;
  co_await apply(std::move(socket), std::move(message));
}

net::Task<bool> ConnectorLink::Impl::apply(Socket socket, Json message) {
  config = message.value("config", Json::object());
  version = message.value("version", std::int64_t{0});
  connected = true;
  wake.notify();
  const Json taken = {{"version", version}};
  return write_all(socket, to_text(taken) + "\n");
}

net::Task<void> ConnectorLink::Impl::keep_pool() {
  auto pause = kFirstPause;
  while (!stopping) {
    if (!connected || idle >= kPool) {
      const std::chrono::milliseconds patience(1'000);
      co_await wake.wait(patience);
      continue;
    }
    std::string text;
    auto socket = co_await dial("data", text);
    if (!socket) {
      co_await halted.wait(pause);
      pause = std::min(pause * 2, kLongestPause);
      continue;
    }
    pause = kFirstPause;
    ++idle;
    // A request may have come along with the welcome.
    net::spawn(executor, serve_data(*std::move(socket), std::move(text)), "data connection", shared_from_this());
  }
}

net::Task<void> ConnectorLink::Impl::serve_data(Socket socket, std::string head) {
  boost::system::error_code failed;
  co_await asio::async_read_until(*socket, asio::dynamic_buffer(head, kMaxHead), "\r\n\r\n",
                                  asio::redirect_error(asio::use_awaitable, failed));
  --idle;
  wake.notify();  // the pool wants another one
  if (!failed) co_await answer(socket, std::move(head));
  close_socket(*socket);
  open.remove(socket);
}

net::Task<void> ConnectorLink::Impl::answer(Socket socket, std::string head) {
  const auto host = host_in(head);
  std::string service = "http_status:404";
  const auto ingress = config.value("ingress", Json::array());
  for (const auto& rule : ingress) {
    const auto hostname = rule.value("hostname", "");
    if (!hostname.empty() && hostname != host) continue;
    service = rule.value("service", service);
    break;
  }
  const auto endpoints = endpoints_of(service);
  if (endpoints.empty()) {
    co_await write_all(socket, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    co_return;
  }
  auto local = std::make_shared<tcp::socket>(executor);
  boost::system::error_code failed;
  for (const auto& endpoint : endpoints) {
    boost::system::error_code ignored;
    local->close(ignored);
    co_await local->async_connect(endpoint, asio::redirect_error(asio::use_awaitable, failed));
    if (!failed) break;
  }
  if (failed) {
    co_await write_all(socket,
                       "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nContent-Length: 35\r\nConnection: "
                       "close\r\n\r\nthe local service does not answer\r\n");
    co_return;
  }
  local->set_option(tcp::no_delay(true), failed);
  const bool sent = co_await write_all(local, std::move(head));
  if (sent) co_await pump(socket, local);
  close_socket(*local);
}

ConnectorLink::ConnectorLink(asio::any_io_executor executor, RunToken token)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(token))) {}

ConnectorLink::~ConnectorLink() { stop(); }

void ConnectorLink::start() {
  net::spawn(impl_->executor, impl_->keep_control(), "control connection", impl_);
  net::spawn(impl_->executor, impl_->keep_pool(), "connection pool", impl_);
}

void ConnectorLink::stop() {
  impl_->stopping = true;
  impl_->wake.notify();
  impl_->halted.notify();
  for (const auto& socket : impl_->open) close_socket(*socket);
}

int ConnectorLink::ready_connections() const {
  if (!impl_->connected) return 0;
  return static_cast<int>(impl_->open.size()) - 1;  // without the control connection
}

const std::string& ConnectorLink::id() const { return impl_->id; }

Json ConnectorLink::config() const { return {{"version", impl_->version}, {"config", impl_->config}}; }

}  // namespace dd::local
