#include "libdd/enclave/process_family.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "libdd/core/fork.hpp"
#include "tests/support/heard_signal.hpp"

using namespace dd;
using namespace dd::enclave;

namespace {

/// A process of `uid` that signals all of that uid, again and again; it has begun when this returns.
pid_t noisy_process(uid_t uid) {
  int begun[2];
  REQUIRE(pipe2(begun, O_CLOEXEC) == 0);
  const auto child = fork_deaf();
  if (child == 0) {
    forget_signals();
    if (syscall(SYS_setresuid, uid, uid, uid) != 0) _exit(1);
    (void)!write(begun[1], "x", 1);
    while (true) kill(-1, SIGTERM);
  }
  close(begun[1]);
  char byte = 0;
  CHECK(read(begun[0], &byte, 1) == 1);
  close(begun[0]);
  return child;
}

}  // namespace

TEST_CASE("what a workload signals while it is killed is not taken for a signal to the runtime") {
  if (geteuid() != 0) return;
  const test::HeardSignal heard(SIGTERM);
  const auto uid = 3'000'000'000U + static_cast<uid_t>(getpid());  // nobody's
  for (int i = 0; i < 50; ++i) {
    const auto noisy = noisy_process(uid);
    CHECK(kill_everything_of(uid));
    int status = 0;
    // The helper may have been killed before it killed: then once more.
    while (waitpid(noisy, &status, WNOHANG) == 0) kill_everything_of(uid);
    CHECK(WTERMSIG(status) == SIGKILL);
  }
  CHECK_FALSE(test::HeardSignal::came());
}
