#include "libdd/net/peer_departure.hpp"

#include <sys/socket.h>

#include <cerrno>

#include "libdd/net/into.hpp"

namespace dd::net {

Task<bool> peer_left(asio::ip::tcp::socket& socket) {
  boost::system::error_code ec;
  char next = 0;
  ssize_t got = 0;
  do {
    co_await socket.async_wait(asio::ip::tcp::socket::wait_read, into(ec));
    if (ec) co_return false;
    got = recv(socket.native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT);
  } while (got < 0 && (errno == EAGAIN || errno == EINTR));
  co_return got <= 0;
}

}  // namespace dd::net
