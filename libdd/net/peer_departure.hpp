// Noticing that whoever waits at the other end of a TCP connection is gone, while nobody reads from it.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "libdd/net/task.hpp"

namespace dd::net {

/// True when the peer has closed the connection, or its direction of it: other servers take that for the end, too. False when it sends something, behind
/// which nobody can see it go, or when the wait is cancelled. `socket` outlives the call; only one reads from it or waits like this at a time.
Task<bool> peer_left(asio::ip::tcp::socket& socket);

}  // namespace dd::net
