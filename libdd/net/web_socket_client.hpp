// The client's side of a WebSocket: ddctl's terminals. Beast stays inside web_socket_client.cpp.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "libdd/net/http_client.hpp"
#include "libdd/net/task.hpp"
#include "libdd/net/web_socket.hpp"

namespace dd::net {

struct WebSocketCall {
  // Not an aggregate: docs/adr/0002.
  WebSocketCall() {}

  std::string url;  // http or https, as the handshake is one or the other
  std::chrono::milliseconds deadline{
      20'000};  // until the conversation begins; a name's resolution cannot be broken off
  std::size_t max_message = 64 * 1024;
  std::chrono::milliseconds ping_interval{30'000};
};

/// Reaches the host as a transport with these options would. Sends no credential: the URL holds a ticket, so it is in no message. Errors: as
/// HttpTransport; and what an ordinary answer in place of a WebSocket says (error_from).
Task<Result<std::shared_ptr<WebSocket>>> open_web_socket(HttpClientOptions options, WebSocketCall call);

}  // namespace dd::net
