// Bytes both ways between two sockets until both sides are done.
#pragma once

#include <memory>

#include <boost/asio/ip/tcp.hpp>

#include "libdd/net/task.hpp"

namespace dd::local {

/// An end of one direction is passed on as a half-close. Returns when both directions have ended; a failure of either closes both.
/// Buffers are bounded: a slow reader slows its writer.
net::Task<void> pump(std::shared_ptr<asio::ip::tcp::socket> one, std::shared_ptr<asio::ip::tcp::socket> other);

/// Closes without error.
void close_socket(asio::ip::tcp::socket& socket);

}  // namespace dd::local
