#include "libdd/cli/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "libdd/core/fork.hpp"

namespace dd::cli {
namespace {

constexpr int kNoExec = 127;

/// In the child, between fork and exec: system calls only. Why exec failed goes into `failure`, which exec closes.
[[noreturn]] void become(const char* program, char* const* argv, char* const* envp, int output, int failure,
                         pid_t parent) {
  setpgid(0, 0);
  // A ddctl that was killed must not leave VMs behind.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(kNoExec);
  forget_signals();
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
  execve(program, argv, envp);
  const int why = errno;
  const auto told = write(failure, &why, sizeof why);
  static_cast<void>(told);  // without it the parent sees a child that ended at once
  _exit(kNoExec);
}

}  // namespace

Result<Child> Child::start(std::filesystem::path program, const Environment& environment,
                           const std::filesystem::path& output) {
  const int log = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) return fail(ErrorCode::unavailable, "cannot write " + output.string());
  std::vector<std::string> settings;
  for (const auto& [name, value] : environment) settings.push_back(name + "=" + value);
  std::vector<char*> envp;
  envp.reserve(settings.size() + 1);
  for (auto& setting : settings) envp.push_back(setting.data());
  envp.push_back(nullptr);
  auto name = program.string();
  char* argv[] = {name.data(), nullptr};
  int failure[2] = {-1, -1};
  if (pipe2(failure, O_CLOEXEC) != 0) {
    close(log);
    return fail(ErrorCode::unavailable, "cannot start " + name + ": " + std::strerror(errno));
  }
  const pid_t parent = getpid();
  const pid_t pid = fork_deaf();
  if (pid == 0) become(name.c_str(), argv, envp.data(), log, failure[1], parent);
  int why = pid < 0 ? errno : 0;
  close(log);
  close(failure[1]);
  const bool failed = pid < 0 || read(failure[0], &why, sizeof why) > 0;
  close(failure[0]);
  if (pid > 0 && failed) waitpid(pid, nullptr, 0);
  if (failed) return fail(ErrorCode::unavailable, "cannot start " + name + ": " + std::strerror(why));
  return Child(pid);
}

Child::~Child() {
  if (pid_ < 0) return;
  kill(-pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool Child::ended() {
  if (pid_ >= 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ < 0;
}

void Child::terminate() const {
  if (pid_ >= 0) kill(pid_, SIGTERM);
}

void Child::wait(std::chrono::milliseconds grace) {
  if (pid_ < 0) return;
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  pollfd watched{fd, POLLIN, 0};
  if (fd >= 0 && poll(&watched, 1, static_cast<int>(grace.count())) == 0) kill(-pid_, SIGKILL);
  if (fd >= 0) close(fd);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace dd::cli
