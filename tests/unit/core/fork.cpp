#include "libdd/core/fork.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

using namespace dd;

namespace {

int told[2];  // as Asio has one: whoever runs the handler writes to it

/// While it lives SIGUSR1 is told in a pipe.
struct Handler {
  Handler() {
    REQUIRE(pipe2(told, O_CLOEXEC | O_NONBLOCK) == 0);
    struct sigaction handled{};
    handled.sa_handler = [](int) { (void)!write(told[1], "x", 1); };
    sigaction(SIGUSR1, &handled, &before_);
  }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  ~Handler() {
    sigaction(SIGUSR1, &before_, nullptr);
    close(told[0]);
    close(told[1]);
  }
  [[nodiscard]] static bool ran() {
    char byte = 0;
    return read(told[0], &byte, 1) == 1;
  }

 private:
  struct sigaction before_{};
};

}  // namespace

TEST_CASE("a signal that comes to a child before it is set up is not handled as the parent's, and ends it") {
  const Handler handler;
  const auto child = fork_deaf();
  if (child == 0) {
    kill(getpid(), SIGUSR1);
    forget_signals();  // it comes now, and does what it does by default
    _exit(0);
  }
  REQUIRE(child > 0);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK_FALSE(Handler::ran());
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGUSR1);

  raise(SIGUSR1);  // the parent hears as before
  CHECK(Handler::ran());
}

TEST_CASE("a child that has forgotten its signals blocks and ignores none") {
  const Handler handler;
  signal(SIGUSR2, SIG_IGN);
  const auto child = fork_deaf();
  if (child == 0) {
    forget_signals();
    sigset_t blocked;
    sigprocmask(SIG_SETMASK, nullptr, &blocked);
    bool clean = true;
    for (const int number : {SIGUSR1, SIGUSR2, SIGTERM}) {
      struct sigaction now{};
      sigaction(number, nullptr, &now);
      clean = clean && now.sa_handler == SIG_DFL && sigismember(&blocked, number) == 0;
    }
    _exit(clean ? 0 : 1);
  }
  signal(SIGUSR2, SIG_DFL);
  int status = 1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
