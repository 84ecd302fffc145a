// The socket's attach: a command with a terminal, at the other end of the caller's connection (docs/wire.md, 8 and 8.1).
#pragma once

#include "libdd/core/json.hpp"
#include "libdd/enclave/runtime.hpp"
#include "libdd/net/line_socket.hpp"

namespace dd::enclave {

/// The acknowledgement, with the command running already, and what then serves the connection until either side ends. It holds one piece of
/// output and one of input: a caller that does not read stops the terminal being read, and so the command.
net::Task<net::LineReply> attach(Runtime& runtime, Json request);

}  // namespace dd::enclave
