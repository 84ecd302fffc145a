#include "libdd/local/edge_reverse.hpp"

#include <algorithm>
#include <list>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/local/pump.hpp"
#include "libdd/net/listen.hpp"

namespace dd::local {
namespace {

using asio::ip::tcp;

constexpr std::size_t kMaxHello = 4096;
constexpr std::size_t kMaxIdle = 64;  // per tunnel
constexpr std::chrono::milliseconds kTakePatience{2'000};
constexpr std::chrono::milliseconds kHelloPatience{5'000};

struct Control {
  EdgeReverse::Socket socket;
  std::int64_t acknowledged = -1;
};

/// Everything that connectors of one tunnel hold open.
struct Line {
  explicit Line(const asio::any_io_executor& executor) : changed(executor) {}
  std::list<std::shared_ptr<Control>> controls;
  std::deque<EdgeReverse::Socket> idle;
  std::list<std::weak_ptr<tcp::socket>> busy;
  net::Event changed;
};

net::Task<bool> write_line(EdgeReverse::Socket socket, std::string line) {
  line += '\n';
  boost::system::error_code failed;
  const auto data = asio::buffer(line);
  co_await asio::async_write(*socket, data, asio::redirect_error(asio::use_awaitable, failed));
  co_return !failed;
}

}  // namespace

struct EdgeReverse::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::any_io_executor e, EdgeState& s) : executor(e), acceptor(e), state(s) {}

  /// A caller may spawn these: they hold what they need from the call on, not from their start.
  static net::Task<Socket> take(std::shared_ptr<Impl> impl, std::string tunnel_id);
  static net::Task<void> publish(std::shared_ptr<Impl> impl, std::string tunnel_id, std::chrono::milliseconds patience);
  net::Task<void> accept_all();
  net::Task<void> greet(Socket socket);
  net::Task<void> serve_control(std::string tunnel_id, Socket socket);
  net::Task<void> send_config(std::string tunnel_id, std::shared_ptr<Control> control);
  Line& line(const std::string& tunnel_id);

  asio::any_io_executor executor;
  tcp::acceptor acceptor;
  EdgeState& state;
  std::map<std::string, std::unique_ptr<Line>> lines;
  bool stopping = false;
};

Line& EdgeReverse::Impl::line(const std::string& tunnel_id) {
  auto& slot = lines[tunnel_id];
  if (!slot) slot = std::make_unique<Line>(executor);
  return *slot;
}

net::Task<void> EdgeReverse::Impl::accept_all() {
  boost::system::error_code failed;
  while (!stopping) {
    auto socket = std::make_shared<tcp::socket>(executor);
    co_await acceptor.async_accept(*socket, asio::redirect_error(asio::use_awaitable, failed));
    if (failed == asio::error::operation_aborted || stopping) co_return;
    if (failed) {
      const std::chrono::milliseconds pause(50);
      co_await net::sleep_for(pause);
      continue;
    }
    socket->set_option(tcp::no_delay(true), failed);
    net::spawn(executor, greet(std::move(socket)), "reverse connection", shared_from_this());
  }
}

net::Task<void> EdgeReverse::Impl::greet(Socket socket) {
  // A dialler that says nothing is cut off: the watchdog closes the socket under the read.
  auto watchdog = [](std::weak_ptr<tcp::socket> watched, std::shared_ptr<bool> greeted) -> net::Task<void> {
    co_await net::sleep_for(kHelloPatience);
    const auto open = watched.lock();
    if (open && !*greeted) close_socket(*open);
  };
  const auto greeted = std::make_shared<bool>(false);
  net::spawn(executor, watchdog(socket, greeted), "reverse hello");

  std::string hello;
  boost::system::error_code failed;
  co_await asio::async_read_until(*socket, asio::dynamic_buffer(hello, kMaxHello), '\n',
                                  asio::redirect_error(asio::use_awaitable, failed));
  *greeted = true;
  if (failed) co_return;
  const auto value = parse_json(std::string_view(hello).substr(0, hello.find('\n')), {.max_bytes = kMaxHello});
  const auto refuse = [](const char* why) { return to_text(Json{{"ok", false}, {"error", why}}); };
  if (!value) {
    co_await write_line(socket, refuse("malformed hello"));
    co_return;
  }
  ObjectReader reader(*value, "$");
  const auto kind = reader.text("kind");
  const auto account = reader.text("account");
  const auto tunnel_id = reader.text("tunnel");
  const auto secret = reader.text("secret");
  const auto* tunnel = state.find_tunnel(tunnel_id);
  if (reader.error() || !state.may_connect(account, tunnel_id, secret)) {
    const bool gone = tunnel == nullptr || !tunnel->deleted_at.empty();
    const auto why = gone ? "Unauthorized: Failed to get tunnel" : "Unauthorized: Invalid tunnel secret";
    co_await write_line(socket, refuse(why));
    co_return;
  }
  const bool welcomed = co_await write_line(socket, "{\"ok\":true}");
  if (!welcomed) co_return;
  if (kind == "control") {
    co_await serve_control(tunnel_id, std::move(socket));
    co_return;
  }
  Line& mine = line(tunnel_id);
  while (mine.idle.size() >= kMaxIdle) mine.idle.pop_front();
  mine.idle.push_back(std::move(socket));
  mine.changed.notify();
}

net::Task<void> EdgeReverse::Impl::send_config(std::string tunnel_id, std::shared_ptr<Control> control) {
  const auto* tunnel = state.find_tunnel(tunnel_id);
  if (tunnel == nullptr) co_return;
  Json message = {{"config", tunnel->config}, {"version", tunnel->version}};
  if (state.apply_late.count() > 0) message["apply_late_ms"] = state.apply_late.count();
  co_await write_line(control->socket, to_text(message));
}

net::Task<void> EdgeReverse::Impl::serve_control(std::string tunnel_id, Socket socket) {
  const auto control = std::make_shared<Control>(Control{std::move(socket), -1});
  Line& mine = line(tunnel_id);
  mine.controls.push_back(control);
  co_await send_config(tunnel_id, control);
  std::string text;
  boost::system::error_code failed;
  while (!failed) {
    const auto size = co_await asio::async_read_until(*control->socket, asio::dynamic_buffer(text, kMaxHello), '\n',
                                                      asio::redirect_error(asio::use_awaitable, failed));
    if (failed) break;
    const auto value = parse_json(std::string_view(text).substr(0, size));
    text.erase(0, size);
    if (!value || !value->is_object()) break;
    control->acknowledged = value->value("version", std::int64_t{-1});
    mine.changed.notify();
  }
  mine.controls.remove(control);
  // Without its control connection a connector is gone; so are the connections that it kept ready.
  if (mine.controls.empty()) mine.idle.clear();
  mine.changed.notify();
}

EdgeReverse::EdgeReverse(asio::any_io_executor executor, EdgeState& state)
    : impl_(std::make_shared<Impl>(std::move(executor), state)) {}

EdgeReverse::~EdgeReverse() { stop(); }

Result<void> EdgeReverse::start(std::uint16_t port) {
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
  if (const auto failed = net::listen_on(impl_->acceptor, endpoint))
    return fail(ErrorCode::unavailable, "cannot listen for connectors: " + failed.message());
  net::spawn(impl_->executor, impl_->accept_all(), "reverse listener", impl_);
  return {};
}

std::uint16_t EdgeReverse::port() const { return impl_->acceptor.local_endpoint().port(); }

void EdgeReverse::stop() {
  impl_->stopping = true;
  boost::system::error_code ignored;
  impl_->acceptor.close(ignored);
  for (const auto& [id, line] : impl_->lines) cut(id);
}

net::Task<EdgeReverse::Socket> EdgeReverse::take(std::string tunnel_id) {
  return Impl::take(impl_, std::move(tunnel_id));
}

net::Task<void> EdgeReverse::publish(std::string tunnel_id, std::chrono::milliseconds patience) {
  return Impl::publish(impl_, std::move(tunnel_id), patience);
}

net::Task<EdgeReverse::Socket> EdgeReverse::Impl::take(std::shared_ptr<Impl> impl, std::string tunnel_id) {
  Line& line = impl->line(tunnel_id);
  const auto deadline = std::chrono::steady_clock::now() + kTakePatience;
  while (line.idle.empty()) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (line.controls.empty() || left.count() <= 0) co_return nullptr;
    co_await line.changed.wait(left);
  }
  auto socket = std::move(line.idle.front());
  line.idle.pop_front();
  std::erase_if(line.busy, [](const auto& weak) { return weak.expired(); });
  line.busy.push_back(socket);
  co_return socket;
}

net::Task<void> EdgeReverse::Impl::publish(std::shared_ptr<Impl> impl, std::string tunnel_id,
                                           std::chrono::milliseconds patience) {
  Line& line = impl->line(tunnel_id);
  const auto controls = line.controls;
  for (const auto& control : controls) co_await impl->send_config(tunnel_id, control);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (true) {
    const auto* tunnel = impl->state.find_tunnel(tunnel_id);
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (tunnel == nullptr || left.count() <= 0) co_return;
    const auto wanted = tunnel->version;
    if (std::ranges::all_of(line.controls, [wanted](const auto& control) { return control->acknowledged >= wanted; }))
      co_return;
    co_await line.changed.wait(left);
  }
}

void EdgeReverse::cut(const std::string& tunnel_id) {
  const auto found = impl_->lines.find(tunnel_id);
  if (found == impl_->lines.end()) return;
  Line& line = *found->second;
  for (const auto& control : line.controls) close_socket(*control->socket);
  for (const auto& socket : line.idle) close_socket(*socket);
  for (const auto& weak : line.busy)
    if (const auto socket = weak.lock()) close_socket(*socket);
  line.idle.clear();
  line.busy.clear();
}

std::size_t EdgeReverse::connectors(const std::string& tunnel_id) const {
  const auto found = impl_->lines.find(tunnel_id);
  return found == impl_->lines.end() ? 0 : found->second->controls.size();
}

}  // namespace dd::local
