#include "libdd/net/listen.hpp"

#include <fcntl.h>
#include <sys/socket.h>

namespace dd::net {

boost::system::error_code listen_on(boost::asio::ip::tcp::acceptor& acceptor,
                                    const boost::asio::ip::tcp::endpoint& endpoint) {
  boost::system::error_code failed;
  acceptor.open(endpoint.protocol(), failed);
  if (!failed) acceptor.set_option(boost::asio::socket_base::reuse_address(true), failed);
  if (!failed) acceptor.bind(endpoint, failed);
  if (!failed) acceptor.listen(boost::asio::socket_base::max_listen_connections, failed);
  boost::system::error_code ignored;
  if (failed) acceptor.close(ignored);
  return failed;
}

boost::system::error_code listen_with(boost::asio::ip::tcp::acceptor& acceptor, int fd) {
  using boost::asio::ip::tcp;
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  int listens = 0;
  socklen_t room = sizeof listens;
  const bool good = getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
                    (address.ss_family == AF_INET || address.ss_family == AF_INET6) &&
                    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &room) == 0 && listens == 1 &&
                    fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
  boost::system::error_code failed = boost::system::errc::make_error_code(boost::system::errc::invalid_argument);
  if (good) acceptor.assign(address.ss_family == AF_INET ? tcp::v4() : tcp::v6(), fd, failed);
  return failed;
}

}  // namespace dd::net
