#include "libdd/tunnel/connector.hpp"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/core/json.hpp"
#include "libdd/net/backoff.hpp"
#include "libdd/net/http_client.hpp"
#include "libdd/tunnel/child_process.hpp"
#include "libdd/tunnel/connector_log.hpp"
#include "libdd/tunnel/token_file.hpp"

namespace dd::tunnel {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kFirstReadyPoll{50};
constexpr milliseconds kReadyDeadline{2'000};
/// For a child that is replaced: it serves nobody any more.
constexpr milliseconds kReplaceGrace{2'000};

/// A port that nobody listens on. It may be taken until the child binds it; the next start then finds another.
Result<std::uint16_t> free_loopback_port() {
  const auto refuse = [] {
    return fail(ErrorCode::unavailable, "cannot find a free port for the connector's metrics");
  };
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return refuse();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(fd);
  if (!bound) return refuse();
  return ntohs(address.sin_port);
}

/// One start of the child.
struct Run {
  Run(std::unique_ptr<ChildProcess> c, std::uint16_t port, Secret token)
      : child(std::move(c)), metrics_port(port), output(std::move(token)) {}

  std::unique_ptr<ChildProcess> child;
  std::uint16_t metrics_port;
  ConnectorLog output;
  std::optional<steady_clock::time_point> ready_since = {};
  bool proved_itself = false;  // was ready for healthy_reset without a break
  bool exited = false;
  bool drained = false;
};

}  // namespace

struct Connector::Impl : std::enable_shared_from_this<Impl> {
  Impl(net::asio::any_io_executor e, std::shared_ptr<HttpTransport> t, ConnectorOptions o)
      : executor(std::move(e)), transport(std::move(t)), options(std::move(o)), changed(executor) {}

  Result<std::shared_ptr<Run>> launch();
  void set_ready(bool now);
  [[nodiscard]] bool wanted() const noexcept { return !stopping && !replacing; }

  static net::Task<void> supervise(std::shared_ptr<Impl> self);
  static net::Task<void> drain(std::shared_ptr<Impl> self, std::shared_ptr<Run> run);
  static net::Task<void> await_exit(std::shared_ptr<Impl> self, std::shared_ptr<Run> run);
  net::Task<void> watch(std::shared_ptr<Run> run);
  net::Task<Result<HttpResponse>> ask(std::uint16_t port, std::string path);
  net::Task<void> end(std::shared_ptr<Run> run);
  net::Task<void> rest(milliseconds duration);

  net::asio::any_io_executor executor;
  std::shared_ptr<HttpTransport> transport;
  ConnectorOptions options;
  net::Event changed;
  Secret token;
  std::filesystem::path token_path;
  std::weak_ptr<Run> current;
  milliseconds grace{0};
  bool running = false;  // supervise() is under way
  bool stopping = false;
  bool replacing = false;
  bool is_ready = false;
  bool tunnel_is_gone = false;
  steady_clock::time_point unready_since{};
};

void Connector::Impl::set_ready(bool now) {
  if (is_ready == now) return;
  is_ready = now;
  unready_since = steady_clock::now();
  if (now) tunnel_is_gone = false;
  if (now)
    log::info("connector ready");
  else if (wanted())
    log::warning("connector not ready");
  changed.notify();
}

Result<std::shared_ptr<Run>> Connector::Impl::launch() {
  const auto port = free_loopback_port();
  if (!port) return tl::unexpected(port.error());
  ChildCommand command{options.command, {}, options.search_path};
  for (const auto& argument : {"tunnel", "--no-autoupdate", "--metrics"}) command.argv.emplace_back(argument);
  command.argv.push_back("127.0.0.1:" + std::to_string(*port));
  for (const auto& argument : {"--management-diagnostics=false", "--loglevel", "info", "--output", "json", "run"})
    command.argv.emplace_back(argument);
  command.environment = {"PATH=" + options.search_path, "TUNNEL_TOKEN_FILE=" + token_path.string()};
  auto child = ChildProcess::start(executor, command);
  if (!child) return tl::unexpected(child.error());
  log::info("connector started", {{"pid", (*child)->pid()}});
  auto run = std::make_shared<Run>(*std::move(child), *port, token);
  current = run;
  net::spawn(executor, drain(shared_from_this(), run), "connector output");
  net::spawn(executor, await_exit(shared_from_this(), run), "connector exit");
  return run;
}

net::Task<void> Connector::Impl::drain(std::shared_ptr<Impl> self, std::shared_ptr<Run> run) {
  for (;;) {
    const auto chunk = co_await run->child->read_output();
    if (!chunk) break;
    run->output.add(*chunk, steady_clock::now());
    const bool gone = run->output.said_tunnel_is_gone();
    // The words of one that is or was replaced are about its own token; and one connection of several may be refused for a while.
    if (gone && !self->is_ready && self->wanted() && self->current.lock() == run) self->tunnel_is_gone = true;
  }
  run->drained = true;
  self->changed.notify();
}

net::Task<void> Connector::Impl::await_exit(std::shared_ptr<Impl> self, std::shared_ptr<Run> run) {
  const auto how = co_await run->child->wait();
  run->exited = true;
  const bool expected = !self->wanted();
  self->set_ready(false);
  self->changed.notify();
  // Its last words are still in the pipe.
  while (!run->drained) co_await self->changed.wait(kReadyDeadline);
  if (expected)
    log::info("connector ended", {{"how", how}});
  else
    log::warning("connector ended by itself", {{"how", how}, {"last_line", run->output.last_line()}});
}

net::Task<Result<HttpResponse>> Connector::Impl::ask(std::uint16_t port, std::string path) {
  HttpRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(port) + path;
  request.deadline = kReadyDeadline;
  request.max_response_bytes = 1024 * 1024;
  return net::send(*transport, std::move(request));
}

/// Returns when the child ended, nobody wants it any more, or it was not ready for too long (cloudflared can stay alive without connections).
net::Task<void> Connector::Impl::watch(std::shared_ptr<Run> run) {
  auto last_ready = steady_clock::now();
  bool first = true;
  while (wanted() && !run->exited) {
    const auto response = co_await ask(run->metrics_port, "/ready");
    const bool answered = response && response->status == 200;
    if (!wanted() || run->exited) co_return;
    set_ready(answered);
    const auto now = steady_clock::now();
    if (answered) {
      if (!run->ready_since) run->ready_since = now;
      if (now - *run->ready_since >= options.healthy_reset) run->proved_itself = true;
      last_ready = now;
      first = false;
    } else {
      run->ready_since.reset();
      if (now - last_ready >= options.unready_limit) {
        log::warning("connector is not ready for too long", {{"milliseconds", options.unready_limit.count()}});
        co_return;
      }
    }
    const auto interval = first ? std::min(kFirstReadyPoll, options.ready_poll) : options.ready_poll;
    co_await changed.wait(interval);
  }
}

/// TERM, KILL after the grace, until it is gone.
net::Task<void> Connector::Impl::end(std::shared_ptr<Run> run) {
  run->child->signal(SIGTERM);
  const auto begun = steady_clock::now();
  while (!run->exited) {
    const auto passed = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun);
    const auto left = (stopping ? grace : kReplaceGrace) - passed;
    if (left.count() <= 0) {
      run->child->signal(SIGKILL);
      co_await changed.wait(kReadyDeadline);
    } else {
      co_await changed.wait(left);
    }
  }
}

net::Task<void> Connector::Impl::rest(milliseconds duration) {
  const auto until = steady_clock::now() + duration;
  while (wanted()) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    if (left.count() <= 0) co_return;
    co_await changed.wait(left);
  }
}

net::Task<void> Connector::Impl::supervise(std::shared_ptr<Impl> self) {
  net::Backoff backoff({self->options.first_backoff, self->options.longest_backoff}, system_random());
  while (!self->stopping) {
    self->replacing = false;
    const auto run = self->launch();
    if (run) {
      co_await self->watch(*run);
      self->set_ready(false);
      co_await self->end(*run);
    } else {
      log::error("cannot start connector", {{"error", run.error().message}});
    }
    if (self->replacing || (run && (*run)->proved_itself)) backoff.reset();
    const auto pause = backoff.next();
    co_await self->rest(pause);
  }
  self->running = false;
  self->changed.notify();
}

Connector::Connector(net::asio::any_io_executor executor, std::shared_ptr<HttpTransport> transport,
                     ConnectorOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(transport), std::move(options))) {}

Connector::~Connector() {
  impl_->stopping = true;
  impl_->changed.notify();
  if (const auto run = impl_->current.lock()) run->child->signal(SIGKILL);
}

Result<void> Connector::start(Secret token) {
  if (impl_->stopping) return fail(ErrorCode::unavailable, "cannot start connector: it is being stopped");
  auto path = write_token_file(impl_->options.directory, token);
  if (!path) return wrap(path.error(), "cannot start connector");
  impl_->token = std::move(token);
  impl_->token_path = *std::move(path);
  impl_->unready_since = steady_clock::now();
  impl_->tunnel_is_gone = false;
  if (impl_->running) {
    impl_->replacing = true;
    impl_->set_ready(false);
    impl_->changed.notify();
    return {};
  }
  impl_->running = true;
  impl_->changed.notify();
  net::spawn(impl_->executor, Impl::supervise(impl_), "connector supervision");
  return {};
}

net::Task<void> Connector::stop(milliseconds grace) {
  const auto impl = impl_;
  impl->grace = grace;
  impl->stopping = true;
  impl->changed.notify();
  while (impl->running) co_await impl->changed.wait(kReadyDeadline);
  impl->stopping = false;
  std::error_code ignored;
  if (!impl->token_path.empty()) std::filesystem::remove(impl->token_path, ignored);
}

net::Task<bool> Connector::wait_ready(milliseconds timeout) {
  const auto impl = impl_;
  const auto until = steady_clock::now() + timeout;
  while (!impl->is_ready) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    if (left.count() <= 0) co_return false;
    co_await impl->changed.wait(left);
  }
  co_return true;
}

net::Task<bool> Connector::wait_unready(milliseconds long_enough, milliseconds timeout) {
  const auto impl = impl_;
  const auto until = steady_clock::now() + timeout;
  while (true) {
    const bool unready = impl->running && !impl->is_ready;
    const auto now = steady_clock::now();
    const auto missing = std::chrono::ceil<milliseconds>(impl->unready_since + long_enough - now);
    if (unready && missing.count() <= 0) co_return true;
    const auto left = std::chrono::ceil<milliseconds>(until - now);
    if (left.count() <= 0) co_return false;
    const auto rest = unready ? std::min(missing, left) : left;
    co_await impl->changed.wait(rest);
  }
}

bool Connector::tunnel_is_gone() const noexcept { return impl_->tunnel_is_gone; }

net::Task<std::optional<std::int64_t>> Connector::config_version() {
  const auto impl = impl_;
  const auto run = impl->current.lock();
  if (!run) co_return std::nullopt;
  const auto response = co_await impl->ask(run->metrics_port, "/config");
  if (!response || response->status != 200) co_return std::nullopt;
  const auto value = parse_json(response->body);
  if (!value) co_return std::nullopt;
  ObjectReader reader(*value, "$");
  // cloudflared has version -1 until it has got one.
  const auto version = reader.optional_integer("version", -1, std::int64_t{1} << 53);
  if (reader.error()) co_return std::nullopt;
  co_return version;
}

}  // namespace dd::tunnel
