// One run of the connector: its own process group, an empty environment, stderr drained, its exit seen through a pidfd.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "libdd/net/task.hpp"

namespace dd::tunnel {

/// Use on one io thread. Dies with us: the kernel sends it SIGKILL when the thread that started it ends.
class ConnectorProcess {
 public:
  /// `<command> tunnel … run` with TUNNEL_TOKEN_FILE. Errors: unavailable when it cannot be executed.
  [[nodiscard]] static Result<std::unique_ptr<ConnectorProcess>> start(asio::any_io_executor executor, std::vector<std::string> command,
                                                                       std::filesystem::path token_file);
  ~ConnectorProcess();
  ConnectorProcess(const ConnectorProcess&) = delete;
  ConnectorProcess& operator=(const ConnectorProcess&) = delete;

  [[nodiscard]] std::uint16_t metrics_port() const noexcept;
  [[nodiscard]] bool exited() const noexcept;
  /// "exit 1", "signal 9"; meaningful after exited().
  [[nodiscard]] std::string how_it_ended() const;
  /// Ends early when the process exits or wake() is called.
  net::Task<void> wait_exit(std::chrono::milliseconds timeout);
  void wake();
  /// TERM, then KILL of the group after `grace`; returns when it is gone.
  net::Task<void> stop(std::chrono::milliseconds grace);

 private:
  struct Impl;
  explicit ConnectorProcess(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace dd::tunnel
