#pragma once

#include <chrono>

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

namespace dd::net {

/// After accept failed for want of descriptors or memory; it would fail at once again.
inline constexpr std::chrono::milliseconds kAcceptPause{100};

/// Opens, binds and listens; port 0 takes a free one. `acceptor` is closed again when any of it fails.
[[nodiscard]] boost::system::error_code listen_on(boost::asio::ip::tcp::acceptor& acceptor,
                                                  const boost::asio::ip::tcp::endpoint& endpoint);

/// With a TCP socket that listens already, which becomes the acceptor's: it is given to no child. Errors: invalid_argument of errno when it is none.
[[nodiscard]] boost::system::error_code listen_with(boost::asio::ip::tcp::acceptor& acceptor, int fd);

}  // namespace dd::net
