// The connections that connectors dial in (docs/wire.md, 11.1): one for control, a pool for requests.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <nlohmann/json_fwd.hpp>

#include "libdd/local/edge_state.hpp"
#include "libdd/net/task.hpp"

namespace dd::local {

/// Use on one io thread.
class EdgeReverse {
 public:
  using Socket = std::shared_ptr<asio::ip::tcp::socket>;

  EdgeReverse(asio::any_io_executor executor, EdgeState& state);
  EdgeReverse(const EdgeReverse&) = delete;
  EdgeReverse& operator=(const EdgeReverse&) = delete;
  ~EdgeReverse();

  [[nodiscard]] Result<void> start(std::uint16_t port);
  [[nodiscard]] std::uint16_t port() const;
  void stop();

  /// An idle data connection of the tunnel; waits a moment while a connector is there. nullptr: none, 530.
  net::Task<Socket> take(std::string tunnel_id);
  /// Sends the tunnel's configuration to its connectors and waits until they have taken it, at most `patience`.
  net::Task<void> publish(std::string tunnel_id, std::chrono::milliseconds patience);
  /// Cuts every connection of the tunnel.
  void cut(const std::string& tunnel_id);
  [[nodiscard]] std::size_t connectors(const std::string& tunnel_id) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace dd::local
