#include "libdd/enclave/process_family.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include <doctest/doctest.h>
#include <boost/asio/io_context.hpp>

#include "libdd/core/fork.hpp"
#include "libdd/enclave/child.hpp"
#include "tests/support/heard_signal.hpp"
#include "tests/support/run_task.hpp"

using namespace dd;
using namespace dd::enclave;

namespace {

/// Uids that nobody has.
uid_t spare_uid(uid_t from) { return from + static_cast<uid_t>(getpid()); }
constexpr uid_t kTheirs = 3'000'000'000U;
constexpr uid_t kNobodys = 3'500'000'000U;

/// A process of `uid` that signals all of that uid, again and again; it has begun when this returns.
pid_t noisy_process(uid_t uid, int signal) {
  int begun[2];
  REQUIRE(pipe2(begun, O_CLOEXEC) == 0);
  const auto child = fork_deaf();
  if (child == 0) {
    forget_signals();
    if (syscall(SYS_setresuid, uid, uid, uid) != 0) _exit(1);
    (void)!write(begun[1], "x", 1);
    while (true) kill(-1, signal);
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
  for (int i = 0; i < 50; ++i) {
    const auto noisy = noisy_process(spare_uid(kTheirs), SIGTERM);
    CHECK(kill_everything_of(spare_uid(kTheirs), spare_uid(kNobodys)));
    int status = 0;
    CHECK(waitpid(noisy, &status, 0) == noisy);
    CHECK(WTERMSIG(status) == SIGKILL);
  }
  CHECK_FALSE(test::HeardSignal::came());
}

TEST_CASE("a workload neither stops nor kills what kills it") {
  if (geteuid() != 0) return;
  for (const int signal : {SIGSTOP, SIGKILL}) {
    CAPTURE(signal);
    for (int i = 0; i < 50; ++i) {
      const auto noisy = noisy_process(spare_uid(kTheirs), signal);
      CHECK(kill_everything_of(spare_uid(kTheirs), spare_uid(kNobodys)));
      int status = 0;
      CHECK(waitpid(noisy, &status, 0) == noisy);
      CHECK(WTERMSIG(status) == SIGKILL);
    }
  }
}

TEST_CASE("without a uid of nobody's, or for root's, nobody is killed") {
  CHECK_FALSE(kill_everything_of(spare_uid(kTheirs), 0));
  CHECK_FALSE(kill_everything_of(0, spare_uid(kNobodys)));
}

TEST_CASE("a child that others of its uid stop before its program runs is given up") {
  if (geteuid() != 0) return;
  const auto uid = spare_uid(kTheirs);
  const auto noisy = noisy_process(uid, SIGSTOP);
  asio::io_context io;
  bool given_up = false;
  for (int tries = 0; tries < 200 && !given_up; ++tries) {
    ChildSpec spec;
    spec.executable = "/bin/true";
    spec.argv = {"true"};
    spec.work_dir = "/";
    spec.identity = {.uid = uid, .gid = uid, .groups = {}, .switch_user = true};
    spec.output = UniqueFd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    spec.setup_limit = std::chrono::milliseconds(100);
    const auto started = test::run(io, Child::start(std::move(spec)));
    given_up = !started.has_value();
    if (given_up) CHECK(started.error().message.ends_with("another process of its uid may have stopped it"));
  }
  CHECK(given_up);
  CHECK(kill_everything_of(uid, spare_uid(kNobodys)));
  CHECK(waitpid(noisy, nullptr, 0) == noisy);
}
