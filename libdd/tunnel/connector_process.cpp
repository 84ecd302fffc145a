#include "libdd/tunnel/connector_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "dd/log.hpp"

namespace dd::tunnel {
namespace {

constexpr int kNoExec = 127;
constexpr std::size_t kChunk = 4096;
constexpr int kLinesPerRun = 200;  // of its log in ours

/// A free loopback port for /ready. Somebody may take it before the child does; then the child exits and gets another.
Result<std::uint16_t> free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 && getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (fd >= 0) close(fd);
  if (!bound) return fail(ErrorCode::unavailable, "cannot find a free port for the connector's metrics");
  return ntohs(address.sin_port);
}

std::vector<std::string> arguments(std::vector<std::string> command, std::uint16_t metrics_port) {
  for (const char* word : {"tunnel", "--no-autoupdate", "--metrics"}) command.emplace_back(word);
  command.push_back("127.0.0.1:" + std::to_string(metrics_port));
  for (const char* word : {"--management-diagnostics=false", "--loglevel", "info", "--output", "json", "run"}) command.emplace_back(word);
  return command;
}

/// In the child, between fork and exec: system calls only.
[[noreturn]] void become(char* const* argv, char* const* envp, int output, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kNoExec);  // we died before the line above
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  close_range(3, ~0u, 0);
  execvpe(argv[0], argv, envp);
  _exit(kNoExec);
}

}  // namespace

struct ConnectorProcess::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(const asio::any_io_executor& e) : executor(e), pidfd(e), output(e), changed(e) {}

  Result<void> spawn_child(const std::vector<std::string>& words, const std::filesystem::path& token_file);
  net::Task<void> reap();
  net::Task<void> drain();

  asio::any_io_executor executor;
  asio::posix::stream_descriptor pidfd;
  asio::posix::stream_descriptor output;
  net::Event changed;
  std::uint16_t metrics_port = 0;
  pid_t pid = -1;
  bool gone = false;
  int status = 0;
};

Result<void> ConnectorProcess::Impl::spawn_child(const std::vector<std::string>& words, const std::filesystem::path& token_file) {
  std::array<int, 2> pipe_fds{};
  if (pipe2(pipe_fds.data(), O_CLOEXEC) != 0) return fail(ErrorCode::unavailable, "cannot start the connector: no pipe");
  std::vector<char*> argv;
  for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  auto token_setting = "TUNNEL_TOKEN_FILE=" + token_file.string();
  std::string path_setting = "PATH=/usr/local/bin:/usr/bin:/bin";
  std::array<char*, 3> envp = {token_setting.data(), path_setting.data(), nullptr};

  const pid_t parent = getpid();
  pid = fork();
  if (pid == 0) become(argv.data(), envp.data(), pipe_fds[1], parent);
  close(pipe_fds[1]);
  if (pid < 0) {
    close(pipe_fds[0]);
    return fail(ErrorCode::unavailable, std::string("cannot start the connector: ") + std::strerror(errno));
  }
  output.assign(pipe_fds[0]);
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) {
    kill(-pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return fail(ErrorCode::unavailable, std::string("cannot watch the connector: ") + std::strerror(errno));
  }
  pidfd.assign(fd);
  return {};
}

net::Task<void> ConnectorProcess::Impl::reap() {
  const auto self = shared_from_this();
  boost::system::error_code failed;
  co_await pidfd.async_wait(asio::posix::descriptor_base::wait_read, asio::redirect_error(asio::use_awaitable, failed));
  if (failed) co_return;
  if (waitpid(pid, &status, WNOHANG) != pid) status = 0;
  gone = true;
  changed.notify();
}

net::Task<void> ConnectorProcess::Impl::drain() {
  const auto self = shared_from_this();
  std::array<char, kChunk> chunk;
  std::string line;
  int shown = 0;
  boost::system::error_code failed;
  while (true) {
    const auto buffer = asio::buffer(chunk);
    const auto size = co_await output.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return;
    for (std::size_t i = 0; i < size; ++i) {
      if (chunk[i] != '\n') {
        if (line.size() < kChunk) line.push_back(chunk[i]);
        continue;
      }
      if (shown++ < kLinesPerRun) log::debug("connector says", {{"line", line}});
      line.clear();
    }
  }
}

Result<std::unique_ptr<ConnectorProcess>> ConnectorProcess::start(asio::any_io_executor executor, std::vector<std::string> command,
                                                                  std::filesystem::path token_file) {
  if (command.empty()) return fail(ErrorCode::invalid_argument, "cannot start the connector: its command is empty");
  const auto port = free_port();
  if (!port) return tl::unexpected(port.error());
  auto impl = std::make_shared<Impl>(executor);
  impl->metrics_port = *port;
  if (auto started = impl->spawn_child(arguments(std::move(command), *port), token_file); !started) return tl::unexpected(started.error());
  net::spawn(executor, impl->reap(), "connector exit");
  net::spawn(executor, impl->drain(), "connector output");
  return std::unique_ptr<ConnectorProcess>(new ConnectorProcess(std::move(impl)));
}

ConnectorProcess::ConnectorProcess(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

ConnectorProcess::~ConnectorProcess() {
  if (!impl_->gone) {
    kill(-impl_->pid, SIGKILL);
    waitpid(impl_->pid, nullptr, 0);
    impl_->gone = true;
  }
  boost::system::error_code ignored;
  impl_->pidfd.close(ignored);
  impl_->output.close(ignored);
}

std::uint16_t ConnectorProcess::metrics_port() const noexcept { return impl_->metrics_port; }

bool ConnectorProcess::exited() const noexcept { return impl_->gone; }

std::string ConnectorProcess::how_it_ended() const {
  if (WIFSIGNALED(impl_->status)) return "signal " + std::to_string(WTERMSIG(impl_->status));
  return "exit " + std::to_string(WEXITSTATUS(impl_->status));
}

net::Task<void> ConnectorProcess::wait_exit(std::chrono::milliseconds timeout) {
  if (!impl_->gone) co_await impl_->changed.wait(timeout);
}

void ConnectorProcess::wake() { impl_->changed.notify(); }

net::Task<void> ConnectorProcess::stop(std::chrono::milliseconds grace) {
  const auto impl = impl_;
  if (!impl->gone) kill(-impl->pid, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + grace;
  while (!impl->gone) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      kill(-impl->pid, SIGKILL);
      const std::chrono::milliseconds soon(50);
      co_await impl->changed.wait(soon);
    } else {
      co_await impl->changed.wait(left);
    }
  }
}

}  // namespace dd::tunnel
