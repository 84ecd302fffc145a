#include "libdd/enclave/child_setup.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>

#include "libdd/core/fork.hpp"

namespace dd::enclave {
namespace {

[[noreturn]] void give_up(const ChildPlan& plan, SetupStep step) noexcept {
  const SetupFailure failure{step, errno};
  // A parent that is gone has nobody to tell.
  [[maybe_unused]] const auto written = write(plan.report_fd, &failure, sizeof failure);
  _exit(127);
}

bool place_descriptors(const ChildPlan& plan) noexcept {
  if (dup2(plan.input_fd, STDIN_FILENO) < 0) return false;
  if (dup2(plan.output_fd, STDOUT_FILENO) < 0 || dup2(plan.error_fd, STDERR_FILENO) < 0) return false;
  unsigned first = kFirstInheritedFd;
  for (std::size_t i = 0; i < plan.inherited_count; ++i, ++first)
    if (dup2(plan.inherited_fds[i], static_cast<int>(first)) < 0) return false;
  // Marked and not closed: the report must still work until exec.
  return syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

void write_pid(char* text) noexcept {
  char digits[kPidDigits];
  std::size_t count = 0;
  for (auto left = getpid(); left > 0 && count < kPidDigits; left /= 10)
    digits[count++] = static_cast<char>('0' + left % 10);
  while (count > 0) *text++ = digits[--count];
  *text = '\0';
}

// The bounding set first: dropping from it takes CAP_SETPCAP, which goes with the uid.
bool drop_privileges() noexcept {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability)
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EPERM) return false;
  return true;
}

// Plain system calls: glibc's wrappers signal the process's other threads, which a forked child does not have.
bool switch_user(const ChildPlan& plan) noexcept {
  if (syscall(SYS_setgroups, plan.group_count, plan.groups) != 0) return false;
  if (syscall(SYS_setresgid, plan.gid, plan.gid, plan.gid) != 0) return false;
  return syscall(SYS_setresuid, plan.uid, plan.uid, plan.uid) == 0;
}

// A workload must not outlive a runtime that was killed. After the change of user, which clears the setting.
bool die_with_parent(const ChildPlan& plan) noexcept {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return false;
  if (getppid() == plan.parent) return true;
  errno = ESRCH;
  return false;
}

// Between the fork of another workload and its exec, that child has a copy of the descriptor through which this program may just have been
// written to the store; execve says ETXTBSY so long.
void execute(const ChildPlan& plan) noexcept {
  for (int attempt = 0; attempt < 100; ++attempt) {
    execve(plan.executable, plan.argv, plan.envp);
    if (errno != ETXTBSY) return;
    const timespec pause{0, 2'000'000};
    nanosleep(&pause, nullptr);
    errno = ETXTBSY;
  }
}

}  // namespace

bool clear_capabilities() noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return false;
  return syscall(SYS_capset, &header, none) == 0;
}

void become_workload(const ChildPlan& plan) noexcept {
  forget_signals();
  setsid();
  umask(022);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  const rlimit processes{plan.max_processes, plan.max_processes};
  if (plan.max_processes != 0 && plan.switch_user) setrlimit(RLIMIT_NPROC, &processes);
  if (!place_descriptors(plan)) give_up(plan, SetupStep::descriptors);
  // The session is new and leads no terminal yet.
  if (plan.terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) != 0) give_up(plan, SetupStep::terminal);
  if (chdir(plan.work_dir) != 0) give_up(plan, SetupStep::work_dir);
  if (!plan.privileged && !drop_privileges()) give_up(plan, SetupStep::privileges);
  if (plan.switch_user && !switch_user(plan)) give_up(plan, SetupStep::user);
  if (!plan.privileged && !clear_capabilities()) give_up(plan, SetupStep::privileges);
  if (!die_with_parent(plan)) give_up(plan, SetupStep::parent);
  if (plan.listen_pid != nullptr) write_pid(plan.listen_pid);
  execute(plan);
  give_up(plan, SetupStep::exec);
}

}  // namespace dd::enclave
