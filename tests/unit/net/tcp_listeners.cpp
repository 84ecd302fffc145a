#include "libdd/net/tcp_listeners.hpp"

#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "libdd/net/tcp_diag.hpp"

using namespace dd::net;
namespace ip = boost::asio::ip;

namespace {

const std::string kHeading =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

std::string row(const std::string& local, const std::string& state = "0A", const std::string& uid = "20001",
                const std::string& inode = "4711") {
  return "   0: " + local + " 00000000:0000 " + state + " 00000000:00000000 00:00000000 00000000 " + uid +
         "        0 " + inode + " 1 0000000000000000 100 0 0 10 0\n";
}

std::vector<TcpListener> read(const std::string& rows) {
  std::istringstream table(kHeading + rows);
  return tcp_listeners_in(table);
}

}  // namespace

TEST_CASE("a line of the kernel's table is an address, a port, a uid and an inode") {
  const struct {
    const char* local;
    const char* address;
    std::uint16_t port;
  } cases[] = {
      {"0100007F:1F90", "127.0.0.1", 8080},
      {"00000000:0050", "0.0.0.0", 80},
      {"0A01A8C0:FFFF", "192.168.1.10", 65535},
      {"00000000000000000000000000000000:1F90", "::", 8080},
      {"00000000000000000000000001000000:1F90", "::1", 8080},
      {"B80D01200000000000000000010000FF:0001", "2001:db8::ff00:1", 1},
  };
  for (const auto& c : cases) {
    CAPTURE(c.local);
    const auto found = read(row(c.local));
    REQUIRE(found.size() == 1);
    CHECK(found[0] == TcpListener{ip::make_address(c.address), c.port, 20001, 4711});
  }
}

TEST_CASE("connections stand behind what listens, and lines that make no sense are passed over") {
  CHECK(read(row("0100007F:1F90") + row("0100007F:1F91", "01") + row("0100007F:1F92")).size() == 1);
  for (const auto& bad : {row("0100007F"), row("0100007:1F90"), row("0100007G:1F90"), row("0100007F:1F90F"),
                          row("0100007F:"), row("0100007F:1F90", "0A", "root"), row("0100007F:1F90", "0A", "1", "x")}) {
    CAPTURE(bad);
    CHECK(read(bad + row("0100007F:0001")).size() == 1);
  }
  CHECK(read("").empty());
  CHECK(read("\n").empty());
}

TEST_CASE("what listens here is found, whichever way the kernel is asked") {
  boost::asio::io_context io;
  const ip::tcp::acceptor four(io, {ip::address_v4::loopback(), 0});
  const ip::tcp::acceptor six(io, {ip::address_v6::loopback(), 0});
  // Neither is a connection.
  ip::tcp::socket visitor(io);
  visitor.connect(four.local_endpoint());
  const auto by_diag = listeners_by_diag();
  if (!by_diag) MESSAGE("this kernel does not answer sock_diag");
  for (const auto& all : {tcp_listeners(), listeners_by_tables(), by_diag.value_or(listeners_by_tables())}) {
    for (const auto& [acceptor, address] : {std::pair(&four, ip::address(ip::address_v4::loopback())),
                                            std::pair(&six, ip::address(ip::address_v6::loopback()))}) {
      const auto port = acceptor->local_endpoint().port();
      CHECK(std::ranges::count(all, port, &TcpListener::port) == 1);
      const auto found = std::ranges::find(all, port, &TcpListener::port);
      REQUIRE(found != all.end());
      CHECK(found->address == address);
      CHECK(found->uid == getuid());
      CHECK(found->inode > 0);
    }
    CHECK(std::ranges::count(all, visitor.local_endpoint().port(), &TcpListener::port) == 0);
  }
}

TEST_CASE("connections at a port are those that neither side has closed") {
  std::istringstream table(kHeading + row("0100007F:1F90") + row("0100007F:1F90", "01") + row("0100007F:1F90", "08") +
                           row("0100007F:1F90", "06") + row("0100007F:1F91", "01") + row("bad", "01") +
                           row("00000000000000000000000001000000:1F90", "01"));
  CHECK(connections_in(table, {0x1F90}) == 2);
}

TEST_CASE("the machine's own table has the connections that are open here") {
  boost::asio::io_context io;
  ip::tcp::acceptor acceptor(io, {ip::address_v4::loopback(), 0});
  const auto endpoint = acceptor.local_endpoint();
  const std::set<std::uint16_t> ports{endpoint.port()};
  CHECK(connections_at(ports) == 0);
  ip::tcp::socket visitor(io);
  visitor.connect(endpoint);
  CHECK(connections_at(ports) == 1);
  auto served = acceptor.accept();
  CHECK(connections_at(ports) == 1);
  visitor.close();
  served.close();
  CHECK(connections_at(ports) == 0);
}
