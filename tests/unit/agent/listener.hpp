// A TCP port on loopback that something listens on, or that nothing does.
#pragma once

#include <cstdint>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace dd::agent {

/// Connections are accepted by the kernel, and nobody ever answers them.
class Listener {
 public:
  explicit Listener(boost::asio::ip::address address = boost::asio::ip::address_v4::loopback(), std::uint16_t port = 0)
      : acceptor_(io_, {address, port}) {}
  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  void close() { acceptor_.close(); }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
};

/// A port that is bound, so that nobody else gets it, and does not listen yet.
class SilentPort {
 public:
  SilentPort() : acceptor_(io_, boost::asio::ip::tcp::v4()) {
    acceptor_.bind({boost::asio::ip::address_v4::loopback(), 0});
  }
  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  void listen() { acceptor_.listen(); }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
};

}  // namespace dd::agent
