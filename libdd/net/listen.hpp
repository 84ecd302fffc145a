#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

namespace dd::net {

/// Opens, binds and listens; port 0 takes a free one. `acceptor` is closed again when any of it fails.
[[nodiscard]] boost::system::error_code listen_on(boost::asio::ip::tcp::acceptor& acceptor,
                                                  const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace dd::net
