#include "libdd/agent/ports.hpp"

#include <algorithm>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libdd/net/tcp_listeners.hpp"

namespace dd::agent {
namespace {

using asio::ip::tcp;

net::Task<bool> connects(asio::ip::address address, std::uint16_t port) {
  // A loopback connect ends at once: accepted, or refused.
  tcp::socket socket(co_await net::this_executor());
  boost::system::error_code failed;
  const tcp::endpoint endpoint(address, port);
  co_await socket.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, failed));
  co_return !failed;
}

}  // namespace

net::Task<bool> answers(std::uint16_t port) {
  const auto v4 = asio::ip::address(asio::ip::address_v4::loopback());
  const bool on_v4 = co_await connects(v4, port);
  if (on_v4) co_return true;
  const auto v6 = asio::ip::address(asio::ip::address_v6::loopback());
  co_return co_await connects(v6, port);
}

std::string holder_of(std::uint16_t port) {
  const auto listeners = net::tcp_listeners();
  const auto holder = std::ranges::find(listeners, port, &net::TcpListener::port);
  return holder == listeners.end() ? std::string() : "uid " + std::to_string(holder->uid);
}

}  // namespace dd::agent
