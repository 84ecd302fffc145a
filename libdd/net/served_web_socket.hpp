// The server's side of a WebSocket, over a connection whose request asked for one. Private to libdd/net.
#pragma once

#include <chrono>
#include <memory>

#include <boost/asio/ip/tcp.hpp>

#include "libdd/net/http_server.hpp"

namespace dd::net {

class ServedWebSocket : public WebSocket {
 public:
  /// A peer that says nothing for `ping_interval` is pinged, and after as long again without an answer given up.
  [[nodiscard]] static std::shared_ptr<ServedWebSocket> over(asio::ip::tcp::socket socket, std::size_t max_message,
                                                             std::chrono::milliseconds ping_interval);

  /// Answers the handshake. False when it was refused (the peer was told) or the peer is gone.
  virtual Task<bool> accept(const ServerRequest& request) = 0;
  [[nodiscard]] virtual asio::any_io_executor executor() = 0;
};

}  // namespace dd::net
