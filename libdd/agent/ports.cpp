#include "libdd/agent/ports.hpp"

#include <fstream>
#include <sstream>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace dd::agent {
namespace {

using asio::ip::tcp;

constexpr const char* kListening = "0A";

net::Task<bool> connects(asio::ip::address address, std::uint16_t port) {
  // A loopback connect ends at once: accepted, or refused.
  tcp::socket socket(co_await net::this_executor());
  boost::system::error_code failed;
  const tcp::endpoint endpoint(address, port);
  co_await socket.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, failed));
  co_return !failed;
}

std::string holder_in(const char* table, std::uint16_t port) {
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);  // heading
  while (std::getline(file, line)) {
    std::istringstream columns(line);
    std::string slot;
    std::string local;
    std::string remote;
    std::string state;
    std::string queues;
    std::string timer;
    std::string retransmits;
    std::string uid;
    columns >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid;
    const auto colon = local.rfind(':');
    if (state != kListening || colon == std::string::npos) continue;
    if (std::stoul(local.substr(colon + 1), nullptr, 16) == port) return "uid " + uid;
  }
  return {};
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
  auto holder = holder_in("/proc/net/tcp", port);
  return holder.empty() ? holder_in("/proc/net/tcp6", port) : holder;
}

}  // namespace dd::agent
