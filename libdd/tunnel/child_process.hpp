// A child in a process group of its own, which does not outlive us. Waiting for it never blocks and never takes another child's status.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "libdd/net/task.hpp"

namespace dd::tunnel {

struct ChildCommand {
  std::vector<std::string> argv;  // argv[0] a path, or a name found in `search_path`
  std::vector<std::string> environment;  // all of it
  std::string search_path;  // as PATH
};

/// Use on the io thread that started it, and keep that thread: the kernel kills the child when the thread that started it ends.
class ChildProcess {
 public:
  /// Input is /dev/null, both outputs are read by read_output(). Errors: invalid_argument when there is no such executable; unavailable.
  [[nodiscard]] static Result<std::unique_ptr<ChildProcess>> start(net::asio::any_io_executor executor,
                                                                   const ChildCommand& command);
  /// Kills the group when it still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// To the whole group; nothing once it is reaped.
  void signal(int number) const noexcept;
  /// Some bytes of what it wrote; nullopt at the end.
  net::Task<std::optional<std::string>> read_output();
  /// Until it ended; then kills what is left of its group. How it ended, for a log: "exit status 1", "signal 9". Call it once.
  net::Task<std::string> wait();

 private:
  ChildProcess(net::asio::any_io_executor executor, pid_t pid, int pidfd, int output);
  std::string reap();

  pid_t pid_;
  bool reaped_ = false;
  net::asio::posix::stream_descriptor pidfd_;
  net::asio::posix::stream_descriptor output_;
};

}  // namespace dd::tunnel
