// The public side of the local edge: requests by Host to the tunnel's connector and back. HTTP/1.1 with keep-alive and WebSocket.
#pragma once

#include <memory>

#include "libdd/local/edge_reverse.hpp"
#include "libdd/local/edge_state.hpp"

namespace dd::local {

/// Use on one io thread.
class EdgeProxy {
 public:
  EdgeProxy(asio::any_io_executor executor, EdgeState& state, EdgeReverse& reverse);
  EdgeProxy(const EdgeProxy&) = delete;
  EdgeProxy& operator=(const EdgeProxy&) = delete;
  ~EdgeProxy();

  [[nodiscard]] Result<void> start(std::uint16_t port);
  [[nodiscard]] std::uint16_t port() const;
  void stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace dd::local
