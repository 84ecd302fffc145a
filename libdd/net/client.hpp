// Who asks: a name to share out what is scarce by, never a proof of anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "dd/http.hpp"

namespace dd::net {

/// The process at the other end of a connection of this machine.
struct TcpPeer {
  enum class Seen {
    ours,      // it runs as we do, as the connector does: what it says of whom it speaks for is believed
    other,     // another uid, `uid`
    gone,      // nobody has that socket any more
    elsewhere  // not of this machine, or the kernel does not say: believed, for want of better
  };
  Seen seen = Seen::elsewhere;
  std::uint32_t uid = 0;
  std::string address;  // without port
};

/// Of a connection that was just accepted: one question to the kernel, some 10 µs.
[[nodiscard]] TcpPeer peer_of(const boost::asio::ip::tcp::socket& socket);

/// The share that a connection counts to before any of its requests was read; none where they are not counted: those of the connector would all be
/// one client's.
[[nodiscard]] std::optional<std::string> share_of(const TcpPeer& peer);

/// The client of a request: CF-Connecting-IP, an IPv6 one by its /64, where the peer is believed; else the peer itself.
[[nodiscard]] std::string client_of(const TcpPeer& peer, const HttpHeaders& headers);

}  // namespace dd::net
