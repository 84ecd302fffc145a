// Supervision of cloudflared (or whatever takes its place): token by 0600 file, metrics on loopback, /ready watched, restarts backed off.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "dd/http.hpp"
#include "dd/secret.hpp"
#include "libdd/net/task.hpp"

namespace dd::tunnel {

struct ConnectorOptions {
  std::vector<std::string> command = {"cloudflared"};  // argv prefix
  std::filesystem::path directory;                      // for the token file; 0700, ours
  std::chrono::milliseconds first_backoff{1'000};
  std::chrono::milliseconds longest_backoff{60'000};
  std::chrono::milliseconds unready_limit{60'000};
  std::chrono::milliseconds healthy_reset{600'000};
  std::chrono::milliseconds ready_poll{1'000};  // faster (50 ms) until the first ready
};

/// Use on one io thread.
class Connector {
 public:
  Connector(asio::any_io_executor executor, std::shared_ptr<HttpTransport> transport, ConnectorOptions options);
  ~Connector();
  /// Starts, or restarts with another token. Runs until stop().
  Result<void> start(Secret token);
  /// TERM, then KILL after `grace`.
  net::Task<void> stop(std::chrono::milliseconds grace);
  [[nodiscard]] bool ready() const noexcept;
  /// True when it became ready within `timeout`.
  net::Task<bool> wait_ready(std::chrono::milliseconds timeout);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace dd::tunnel
