// A remote terminal on standard input and output (docs/wire.md, 6.1).
#pragma once

#include <memory>

#include "libdd/net/task.hpp"
#include "libdd/net/web_socket.hpp"

namespace dd::cli {

/// Returns the exit status of the remote shell. Errors: what the agent says in place of a terminal; unavailable when the conversation breaks off.
net::Task<Result<int>> run_terminal(std::shared_ptr<net::WebSocket> socket);

}  // namespace dd::cli
