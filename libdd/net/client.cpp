#include "libdd/net/client.hpp"

#include <unistd.h>

#include <algorithm>

#include "libdd/net/tcp_diag.hpp"

namespace dd::net {
namespace {

namespace ip = boost::asio::ip;
using ip::tcp;

constexpr std::size_t kNetworkBytes = 8;  // of an IPv6 address: the rest is the client's to choose

ip::address unmapped(const ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return ip::make_address_v4(ip::v4_mapped, address.to_v6());
}

std::string network_of(const ip::address& address) {
  if (address.is_v4()) return address.to_string();
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + kNetworkBytes, bytes.end(), std::uint8_t{0});
  return ip::address_v6(bytes).to_string() + "/64";
}

}  // namespace

TcpPeer peer_of(const tcp::socket& socket) {
  boost::system::error_code ec, also;
  const auto theirs = socket.remote_endpoint(ec);
  const auto ours = socket.local_endpoint(also);
  TcpPeer peer;
  if (ec || also) {
    peer.seen = TcpPeer::Seen::gone;
    return peer;
  }
  const auto address = unmapped(theirs.address());
  peer.address = address.to_string();
  if (!address.is_loopback()) return peer;
  const auto owner = socket_owner({address, theirs.port()}, {unmapped(ours.address()), ours.port()});
  if (!owner.told) return peer;
  peer.seen = !owner.uid ? TcpPeer::Seen::gone : *owner.uid == geteuid() ? TcpPeer::Seen::ours : TcpPeer::Seen::other;
  peer.uid = owner.uid.value_or(0);
  return peer;
}

std::optional<std::string> share_of(const TcpPeer& peer) {
  if (peer.seen == TcpPeer::Seen::other) return "uid " + std::to_string(peer.uid);
  if (peer.seen == TcpPeer::Seen::gone) return "gone";
  return std::nullopt;
}

std::string client_of(const TcpPeer& peer, const HttpHeaders& headers) {
  if (auto share = share_of(peer)) return *std::move(share);
  const auto* told = headers.find("CF-Connecting-IP");
  if (told == nullptr || headers.count("CF-Connecting-IP") != 1) return peer.address;
  boost::system::error_code ec;
  const auto address = ip::make_address(*told, ec);
  return ec ? peer.address : network_of(unmapped(address));
}

}  // namespace dd::net
