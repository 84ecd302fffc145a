#include "libdd/enclave/platform_sockets.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>

#include "libdd/enclave/system_error.hpp"

namespace dd::enclave {
namespace {

// A free port of one family may be taken in the other.
constexpr int kMostTries = 32;

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

Address loopback(int family, std::uint16_t port) {
  Address address;
  if (family == AF_INET) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address.bytes);
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v4.sin_port = htons(port);
    address.size = sizeof v4;
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address.bytes);
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    v6.sin6_port = htons(port);
    address.size = sizeof v6;
  }
  return address;
}

/// Nothing, with errno, when it cannot be had.
UniqueFd listen_at(int family, std::uint16_t port) {
  UniqueFd fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fd;
  const int yes = 1;
  const auto address = loopback(family, port);
  // Connections of a runtime before this one may still be closing.
  const bool listens = setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
                       (family == AF_INET || setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) == 0) &&
                       bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.bytes), address.size) == 0 &&
                       listen(fd.get(), SOMAXCONN) == 0;
  if (listens) return fd;
  const auto failed = errno;
  fd.reset();
  errno = failed;
  return fd;
}

std::uint16_t port_of(const UniqueFd& fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  return getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0 ? ntohs(address.sin_port) : 0;
}

bool no_such_family(int number) { return number == EAFNOSUPPORT || number == EADDRNOTAVAIL; }

struct Pair {
  UniqueFd v4;
  UniqueFd v6;
};

Result<Pair> open_both(std::uint16_t port) {
  const auto what = [port](const char* address) {
    return "cannot listen on " + std::string(address) + ":" + std::to_string(port);
  };
  for (int tried = 1;; ++tried) {
    Pair pair;
    pair.v4 = listen_at(AF_INET, port);
    if (!pair.v4) return system_failure(what("127.0.0.1"));
    pair.v6 = listen_at(AF_INET6, port_of(pair.v4));
    if (pair.v6 || no_such_family(errno)) return pair;
    if (port != 0 || errno != EADDRINUSE || tried == kMostTries) return system_failure(what("[::1]"));
  }
}

}  // namespace

Result<PlatformSockets> open_platform_sockets(const std::vector<ListenSocket>& ports) {
  PlatformSockets sockets;
  for (const auto& one : ports) {
    auto pair = open_both(one.port);
    if (!pair) return tl::unexpected(pair.error());
    sockets.push_back({one.name, std::move(pair->v4)});
    if (pair->v6) sockets.push_back({one.name, std::move(pair->v6)});
  }
  return sockets;
}

std::string names_of(const PlatformSockets& sockets) {
  std::string names;
  for (const auto& socket : sockets) names += (names.empty() ? "" : ":") + socket.name;
  return names;
}

}  // namespace dd::enclave
