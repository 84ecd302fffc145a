// Supervision of cloudflared (or whatever takes its place): token by 0600 file, metrics on loopback, /ready watched, restarts backed off.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dd/http.hpp"
#include "dd/secret.hpp"
#include "libdd/net/task.hpp"

namespace dd::tunnel {

struct ConnectorOptions {
  std::vector<std::string> command = {"cloudflared"};  // argv prefix
  std::string search_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";  // the child's PATH
  std::filesystem::path directory;  // for the token file; made with mode 0700 where it is missing
  std::chrono::milliseconds first_backoff{1'000};
  std::chrono::milliseconds longest_backoff{60'000};
  std::chrono::milliseconds unready_limit{60'000};
  std::chrono::milliseconds healthy_reset{600'000};
  std::chrono::milliseconds ready_poll{1'000};  // faster (50 ms) until the first ready
};

/// Use on one io thread, and keep that thread while the child is to live: the kernel kills the child when the thread that started it ends.
class Connector {
 public:
  Connector(net::asio::any_io_executor executor, std::shared_ptr<HttpTransport> transport, ConnectorOptions options);
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;
  ~Connector();
  /// Writes the token file and starts, or restarts with another token. Runs until stop(); a child that cannot be started is tried again too.
  /// Errors: those of the token file.
  [[nodiscard]] Result<void> start(Secret token);
  /// TERM, then KILL after `grace`; then the token file is gone. It may be started again.
  net::Task<void> stop(std::chrono::milliseconds grace);
  /// True when it is or became ready within `timeout`.
  net::Task<bool> wait_ready(std::chrono::milliseconds timeout);
  /// True once it has been meant to run, and not been ready, for `long_enough`; false after `timeout`.
  net::Task<bool> wait_unready(std::chrono::milliseconds long_enough, std::chrono::milliseconds timeout);
  /// Whether the child has said so since it was started with this token, while it was not ready, and has not been ready since.
  [[nodiscard]] bool tunnel_is_gone() const noexcept;
  /// Of the tunnel's configuration that it runs, as it says at `/config`; none while it does not say.
  net::Task<std::optional<std::int64_t>> config_version();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace dd::tunnel
