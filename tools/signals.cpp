#include "tools/signals.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

namespace dd::tools {
namespace {

constexpr std::uint64_t kSignalled = 1;
constexpr std::uint64_t kOver = 1U << 16;

// A handler can reach nothing else.
int event_fd = -1;

void notify(std::uint64_t what) { [[maybe_unused]] const auto written = write(event_fd, &what, sizeof what); }

void on_signal(int) {
  const auto saved = errno;
  notify(kSignalled);
  errno = saved;
}

// Not SIG_IGN: that would survive exec.
void on_pipe(int) {}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(signal, &action, nullptr);
}

void wait_for_signal(std::stop_source stop) {
  std::uint64_t seen = 0;
  while (read(event_fd, &seen, sizeof seen) < 0 && errno == EINTR) {
  }
  if (seen < kOver) stop.request_stop();
}

}  // namespace

SignalStop::SignalStop() {
  event_fd = eventfd(0, EFD_CLOEXEC);
  handle(SIGTERM, on_signal);
  handle(SIGINT, on_signal);
  handle(SIGPIPE, on_pipe);
  waiter_ = std::thread(wait_for_signal, stop_);
}

SignalStop::~SignalStop() {
  notify(kOver);
  waiter_.join();
}

}  // namespace dd::tools
