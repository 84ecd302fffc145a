// The server's side of a WebSocket, over a connection whose request asked for one. Private to libdd/net.
#pragma once

#include <utility>

#include <chrono>

#include <boost/asio/ip/tcp.hpp>

#include "libdd/net/http_server.hpp"

namespace dd::net {

class ServedWebSocket final : public WebSocket, public std::enable_shared_from_this<ServedWebSocket> {
 public:
  /// A peer that says nothing for `ping_interval` is pinged, and after as long again without an answer given up.
  ServedWebSocket(asio::ip::tcp::socket socket, std::size_t max_message, std::chrono::milliseconds ping_interval);
  ~ServedWebSocket() override;

  /// Answers the handshake. False when it was refused (the peer was told) or the peer is gone.
  Task<bool> accept(const ServerRequest& request);
  Task<std::optional<Message>> read() override;
  Task<bool> write(Kind kind, std::string bytes) override;
  Task<void> close(Close code, std::string reason) override;
  [[nodiscard]] asio::any_io_executor executor();
  /// Without a word.
  void abort();

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  Event closed_event_;
  bool closing_ = false;
  bool closed_ = false;
};

}  // namespace dd::net
