#include "libdd/tunnel/connector.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "dd/log.hpp"
#include "dd/random.hpp"
#include "libdd/net/backoff.hpp"
#include "libdd/net/http_client.hpp"
#include "libdd/tunnel/connector_process.hpp"

namespace dd::tunnel {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kEagerPoll{25};
constexpr std::chrono::milliseconds kReadyDeadline{2'000};

Result<void> write_token_file(const std::filesystem::path& file, const Secret& token) {
  const auto failed = [&] { return fail(ErrorCode::unavailable, "cannot write " + file.string()); };
  auto temporary = file;
  temporary += ".new";
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return failed();
  const auto text = token.reveal();
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const bool closed = close(fd) == 0;
  if (!written || !closed || rename(temporary.c_str(), file.c_str()) != 0) return failed();
  return {};
}

}  // namespace

struct Connector::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::any_io_executor e, std::shared_ptr<HttpTransport> t, ConnectorOptions o)
      : executor(e), transport(std::move(t)), options(std::move(o)), changed(e), ended(e) {}

  net::Task<void> supervise();
  /// One life of the child: until it exits, stays unready for too long, is told to restart or to stop.
  net::Task<void> watch(ConnectorProcess& process, net::Backoff& backoff);
  net::Task<bool> probe(std::uint16_t metrics_port);
  void set_ready(bool now);

  asio::any_io_executor executor;
  std::shared_ptr<HttpTransport> transport;
  ConnectorOptions options;
  net::Event changed;  // ready, restart, stop
  net::Event ended;
  std::unique_ptr<ConnectorProcess> process;
  std::chrono::milliseconds grace{5'000};
  bool running = false;
  bool ready = false;
  bool stopping = false;
  bool restart = false;
};

void Connector::Impl::set_ready(bool now) {
  if (ready == now) return;
  ready = now;
  log::info(now ? "connector ready" : "connector not ready");
  changed.notify();
}

net::Task<bool> Connector::Impl::probe(std::uint16_t metrics_port) {
  HttpRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(metrics_port) + "/ready";
  request.deadline = kReadyDeadline;
  request.max_response_bytes = 64 * 1024;
  const auto response = co_await net::send(*transport, std::move(request));
  co_return response && response->status == 200;
}

net::Task<void> Connector::Impl::watch(ConnectorProcess& child, net::Backoff& backoff) {
  auto last_ready = SteadyClock::now();
  const auto born = last_ready;
  while (!stopping && !restart && !child.exited()) {
    const bool now = co_await probe(child.metrics_port());
    set_ready(now && !child.exited());
    const auto time = SteadyClock::now();
    if (now) last_ready = time;
    if (now && time - born > options.healthy_reset) backoff.reset();
    if (time - last_ready > options.unready_limit) {
      log::warning("connector was not ready for too long; starting it again");
      co_return;
    }
    co_await child.wait_exit(now ? options.ready_poll : std::min(kEagerPoll, options.ready_poll));
  }
}

net::Task<void> Connector::Impl::supervise() {
  const auto self = shared_from_this();
  net::BackoffOptions pauses;
  pauses.first = options.first_backoff;
  pauses.most = options.longest_backoff;
  net::Backoff backoff(pauses, system_random());
  while (!stopping) {
    restart = false;
    auto started = ConnectorProcess::start(executor, options.command, options.directory / "token");
    if (started) {
      process = *std::move(started);
      co_await watch(*process, backoff);
      set_ready(false);
      co_await process->stop(grace);
      if (!stopping && !restart) log::warning("connector ended", {{"how", process->how_it_ended()}});
      process.reset();
    } else {
      log::error("cannot start the connector", {{"why", started.error().message}});
    }
    if (stopping) break;
    if (!restart) co_await changed.wait(backoff.next());
  }
  running = false;
  ended.notify();
}

Connector::Connector(asio::any_io_executor executor, std::shared_ptr<HttpTransport> transport, ConnectorOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(transport), std::move(options))) {}

Connector::~Connector() { impl_->stopping = true; }

Result<void> Connector::start(Secret token) {
  std::error_code failed;
  std::filesystem::create_directories(impl_->options.directory, failed);
  if (failed) return fail(ErrorCode::unavailable, "cannot create " + impl_->options.directory.string() + ": " + failed.message());
  std::filesystem::permissions(impl_->options.directory, std::filesystem::perms::owner_all, failed);
  if (failed) return fail(ErrorCode::unavailable, "cannot protect " + impl_->options.directory.string() + ": " + failed.message());
  if (auto written = write_token_file(impl_->options.directory / "token", token); !written) return written;
  if (impl_->running) {
    impl_->restart = true;
    impl_->changed.notify();
    if (impl_->process) impl_->process->wake();
    return {};
  }
  impl_->running = true;
  net::spawn(impl_->executor, impl_->supervise(), "connector");
  return {};
}

net::Task<void> Connector::stop(std::chrono::milliseconds grace) {
  const auto impl = impl_;
  impl->grace = grace;
  impl->stopping = true;
  impl->changed.notify();
  if (impl->process) impl->process->wake();
  const std::chrono::milliseconds patience(200);
  while (impl->running) co_await impl->ended.wait(patience);
}

bool Connector::ready() const noexcept { return impl_->ready; }

net::Task<bool> Connector::wait_ready(std::chrono::milliseconds timeout) {
  const auto impl = impl_;
  const auto deadline = SteadyClock::now() + timeout;
  while (!impl->ready) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
    if (left.count() <= 0) co_return false;
    co_await impl->changed.wait(left);
  }
  co_return true;
}

}  // namespace dd::tunnel
