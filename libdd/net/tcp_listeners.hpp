// The TCP sockets that listen or are connected, as the kernel shows them: sock_diag(7), else proc(5), /proc/net/tcp and /proc/net/tcp6.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <iosfwd>
#include <set>
#include <utility>  // Boost 1.74's address headers forget it
#include <vector>

#include <boost/asio/ip/address.hpp>

namespace dd::net {

struct TcpListener {
  boost::asio::ip::address address;
  std::uint16_t port = 0;
  uid_t uid = 0;  // who made it
  std::uint64_t inode = 0;  // as in the link "socket:[inode]" of whoever holds it
  bool operator==(const TcpListener&) const = default;
};

/// Of this network namespace. A socket of IPv6 on ::ffff:127.0.0.1 is on 127.0.0.1, where it is reached.
[[nodiscard]] std::vector<TcpListener> tcp_listeners();
/// The same by the tables under /proc.
[[nodiscard]] std::vector<TcpListener> listeners_by_tables();
/// Of one such table. It begins with the sockets that listen; what stands behind them is not read, nor is a line that makes no sense.
[[nodiscard]] std::vector<TcpListener> tcp_listeners_in(std::istream& table);

/// How many connections there are at these local ports, in this network namespace, that neither side has closed.
[[nodiscard]] std::size_t connections_at(const std::set<std::uint16_t>& ports);
[[nodiscard]] std::size_t connections_in(std::istream& table, const std::set<std::uint16_t>& ports);

}  // namespace dd::net
