#include "libdd/core/fork.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "tests/support/heard_signal.hpp"

using namespace dd;

TEST_CASE("a signal that comes to a child before it is set up is not handled as the parent's, and ends it") {
  const test::HeardSignal heard(SIGUSR1);
  const auto child = fork_deaf();
  if (child == 0) {
    kill(getpid(), SIGUSR1);
    forget_signals();  // it comes now, and does what it does by default
    _exit(0);
  }
  REQUIRE(child > 0);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK_FALSE(test::HeardSignal::came());
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGUSR1);

  raise(SIGUSR1);  // the parent hears as before
  CHECK(test::HeardSignal::came());
}

TEST_CASE("a child that has forgotten its signals blocks and ignores none") {
  const test::HeardSignal heard(SIGUSR1);
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
