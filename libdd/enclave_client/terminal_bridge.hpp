// What a WebSocket and a terminal of the runtime say to each other (docs/wire.md, 6.1).
#pragma once

#include <memory>

#include "libdd/enclave_client/terminal.hpp"
#include "libdd/net/web_socket.hpp"

namespace dd::enclave_client {

/// Carries bytes both ways until either side is done, then closes both: binary messages are the terminal's bytes, text messages are JSON (resize
/// to the terminal; exit from it). It holds one piece of each direction, so a viewer that does not read stops the command, nobody else.
net::Task<void> bridge(net::asio::any_io_executor executor, std::shared_ptr<Terminal> terminal,
                       std::shared_ptr<net::WebSocket> socket);

}  // namespace dd::enclave_client
