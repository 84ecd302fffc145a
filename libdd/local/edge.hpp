// The local edge: Cloudflare's API, the reverse connections and the public proxy, as one thing to start.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "dd/secret.hpp"
#include "libdd/local/faults.hpp"
#include "libdd/net/task.hpp"

namespace dd::local {

struct EdgeOptions {
  std::uint16_t public_port = 0;  // 0: any free one
  Secret api_token;
  std::string account = "00000000000000000000000000000acc";
  std::vector<std::string> zones = {"000000000000000000000000000020ae"};
};

/// Use on the executor's thread; faults() from any.
class Edge {
 public:
  Edge(asio::any_io_executor executor, EdgeOptions options);
  Edge(const Edge&) = delete;
  Edge& operator=(const Edge&) = delete;
  ~Edge();

  /// Errors: unavailable when a port is taken.
  [[nodiscard]] Result<void> start();
  [[nodiscard]] std::uint16_t public_port() const;
  [[nodiscard]] std::uint16_t api_port() const;
  /// Value for DD_CF_API_URL.
  [[nodiscard]] std::string api_url() const;
  net::Task<void> stop();
  [[nodiscard]] Faults& faults() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dd::local
