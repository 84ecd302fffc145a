// What listens, and whose a socket is, asked of the kernel over a netlink socket: sock_diag(7), as ss(8) does.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "libdd/net/tcp_listeners.hpp"

namespace dd::net {

/// Of this network namespace. The kernel looks at what listens alone; its tables under /proc cost a walk through all connections, some milliseconds.
/// Nothing when the kernel does not answer: it may have been built without.
[[nodiscard]] std::optional<std::vector<TcpListener>> listeners_by_diag();

struct SocketOwner {
  bool told = false;  // the kernel answers such questions
  std::optional<std::uint32_t> uid;  // nothing when there is no such socket, or no process has it any more
};
/// Of the one TCP socket between these ends.
[[nodiscard]] SocketOwner socket_owner(const boost::asio::ip::tcp::endpoint& own,
                                       const boost::asio::ip::tcp::endpoint& peer);

}  // namespace dd::net
