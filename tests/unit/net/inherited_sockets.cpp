// An HTTP server on sockets that somebody else has opened.
#include <fcntl.h>
#include <unistd.h>

#include <doctest/doctest.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "libdd/net/http_server.hpp"
#include "tests/unit/net/served.hpp"

using namespace dd;
using namespace dd::net;
using dd::test::Served;

namespace {

Router served_here() {
  Router router;
  router.add("GET", "/hello", dd::test::answers("{}"));
  return router;
}

}  // namespace

TEST_CASE("sockets that listen already are served in place of an address, all of them") {
  boost::asio::io_context io;
  using boost::asio::ip::tcp;
  tcp::acceptor v4(io, {boost::asio::ip::address_v4::loopback(), 0});
  tcp::acceptor v6(io, {boost::asio::ip::address_v6::loopback(), 0});
  const auto port4 = v4.local_endpoint().port();
  const auto port6 = v6.local_endpoint().port();
  HttpServerOptions options;
  options.address = "not looked at";
  options.listen_fds = {dup(v4.native_handle()), dup(v6.native_handle())};
  {
    Served served(served_here(), options);
    CHECK(served.port() == port4);
    for (const int fd : options.listen_fds) CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    for (const tcp::endpoint& at : {tcp::endpoint(boost::asio::ip::address_v4::loopback(), port4),
                                    tcp::endpoint(boost::asio::ip::address_v6::loopback(), port6)}) {
      tcp::socket client(io);
      client.connect(at);
      boost::asio::write(
          client, boost::asio::buffer(std::string("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")));
      std::string answer;
      boost::system::error_code ended;
      boost::asio::read(client, boost::asio::dynamic_buffer(answer), ended);
      CHECK(answer.starts_with("HTTP/1.1 200"));
    }
  }
  // Whoever handed them over still has them: what connects now waits for the next server.
  tcp::socket client(io);
  client.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), port4));
  CHECK(client.is_open());
}

TEST_CASE("a descriptor that is no socket that listens is refused by its number") {
  boost::asio::io_context io;
  boost::asio::ip::tcp::socket silent(io, boost::asio::ip::tcp::v4());
  for (const int fd : {dup(silent.native_handle()), open("/dev/null", O_RDONLY | O_CLOEXEC), 9'999}) {
    CAPTURE(fd);
    HttpServerOptions options;
    options.listen_fds = {fd};
    HttpServer server(io.get_executor(), served_here(), options);
    const auto started = server.start();
    REQUIRE_FALSE(started.has_value());
    CHECK(started.error().code == ErrorCode::invalid_argument);
    CHECK(started.error().message.starts_with("cannot listen with descriptor " + std::to_string(fd) + ": "));
  }
}
