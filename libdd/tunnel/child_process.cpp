#include "libdd/tunnel/child_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <climits>

#include <boost/asio/buffer.hpp>

#include "libdd/core/fork.hpp"
#include "libdd/net/into.hpp"

namespace dd::tunnel {
namespace {

using boost::system::error_code;
using net::asio::posix::stream_descriptor;

constexpr int kCannotExecute = 127;

Result<std::string> executable_of(const ChildCommand& command) {
  const auto& name = command.argv.front();
  if (name.find('/') != std::string::npos) {
    if (access(name.c_str(), X_OK) == 0) return name;
    return fail(ErrorCode::invalid_argument, "cannot run " + name + ": not an executable file");
  }
  std::string_view rest = command.search_path;
  while (!rest.empty()) {
    const auto directory = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(directory.size() + 1, rest.size()));
    auto path = std::string(directory) + "/" + name;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return fail(ErrorCode::invalid_argument, "cannot run " + name + ": not found in " + command.search_path);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

/// Between fork and exec only async-signal-safe calls: other threads may have held locks.
[[noreturn]] void become(const char* path, char* const* argv, char* const* environment, int output, pid_t parent) {
  setpgid(0, 0);
  // KILL, as cloudflared would use up its grace period on TERM with nobody to stop it.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kCannotExecute);  // we were gone before the line above
  forget_signals();
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(null, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  // Ours are close-on-exec anyway; an embedding program's may not be.
  close_range(STDERR_FILENO + 1, UINT_MAX, 0);
  execve(path, argv, environment);
  _exit(kCannotExecute);
}

Error cannot_start(const std::string& path) {
  return {ErrorCode::unavailable, "cannot run " + path + ": " + std::generic_category().message(errno), {}, {}};
}

}  // namespace

ChildProcess::ChildProcess(net::asio::any_io_executor executor, pid_t pid, int pidfd, int output)
    : pid_(pid), pidfd_(executor, pidfd), output_(executor, output) {}

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(net::asio::any_io_executor executor,
                                                          const ChildCommand& command) {
  if (command.argv.empty()) return fail(ErrorCode::invalid_argument, "cannot run connector: empty command");
  const auto path = executable_of(command);
  if (!path) return tl::unexpected(path.error());
  const auto argv = pointers(command.argv);
  const auto environment = pointers(command.environment);
  std::array<int, 2> output{};
  if (pipe2(output.data(), O_CLOEXEC) != 0) return tl::unexpected(cannot_start(*path));
  const auto parent = getpid();
  const auto pid = fork_deaf();
  if (pid == 0) become(path->c_str(), argv.data(), environment.data(), output[1], parent);
  close(output[1]);
  if (pid < 0) {
    close(output[0]);
    return tl::unexpected(cannot_start(*path));
  }
  setpgid(pid, pid);  // here too: a signal to the group must not come before the child's own call
  // Not by its wrapper: glibc 2.36 declares it without C linkage.
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) {
    auto error = cannot_start(*path);
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    close(output[0]);
    return tl::unexpected(std::move(error));
  }
  return std::unique_ptr<ChildProcess>(new ChildProcess(std::move(executor), pid, pidfd, output[0]));
}

ChildProcess::~ChildProcess() {
  if (reaped_) return;
  signal(SIGKILL);
  reap();  // if it is not dead yet, whoever inherits it reaps it
}

void ChildProcess::signal(int number) const noexcept {
  if (!reaped_) kill(-pid_, number);
}

net::Task<std::optional<std::string>> ChildProcess::read_output() {
  std::string chunk(4096, '\0');
  error_code ec;
  const auto buffer = net::asio::buffer(chunk);
  const auto size = co_await output_.async_read_some(buffer, net::into(ec));
  if (ec) co_return std::nullopt;
  chunk.resize(size);
  co_return chunk;
}

std::string ChildProcess::reap() {
  siginfo_t info{};
  if (waitid(P_PIDFD, static_cast<id_t>(pidfd_.native_handle()), &info, WEXITED | WNOHANG) != 0) {
    reaped_ = true;
    return "unknown status";  // somebody waits for every child of this process
  }
  if (info.si_pid == 0) return "still running";
  reaped_ = true;
  return (info.si_code == CLD_EXITED ? "exit status " : "signal ") + std::to_string(info.si_status);
}

net::Task<std::string> ChildProcess::wait() {
  while (!reaped_) {
    error_code ec;
    co_await pidfd_.async_wait(stream_descriptor::wait_read, net::into(ec));
    if (ec) co_return "unknown status";
    // While the leader is not reaped its number is the group's and nobody else's.
    signal(SIGKILL);
    auto how = reap();
    if (reaped_) co_return how;
  }
  co_return "unknown status";
}

}  // namespace dd::tunnel
