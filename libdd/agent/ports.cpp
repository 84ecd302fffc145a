#include "libdd/agent/ports.hpp"

#include <unistd.h>

#include <algorithm>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libdd/net/tcp_listeners.hpp"

namespace dd::agent {
namespace {

using asio::ip::tcp;

constexpr const char* kLoopback4 = "127.0.0.1";
constexpr const char* kLoopback6 = "::1";

net::Task<bool> connects(asio::ip::address address, std::uint16_t port) {
  // A loopback connect ends at once: accepted, or refused.
  tcp::socket socket(co_await net::this_executor());
  boost::system::error_code failed;
  const tcp::endpoint endpoint(address, port);
  co_await socket.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, failed));
  co_return !failed;
}

/// Where visitors can be led to that port and meet nobody else. Both, where the runtime does not say who listens.
std::vector<std::string> own_addresses(const DeploymentInfo& info, std::uint16_t port) {
  if (!info.listeners) return {kLoopback4, kLoopback6};
  const auto listens = [&](std::string_view address) {
    return std::ranges::find(*info.listeners, ListenAddress{std::string(address), port}) != info.listeners->end();
  };
  if (listens(kLoopback4) || listens("0.0.0.0")) return {kLoopback4};
  // On IPv4 too, perhaps; but there somebody else may have the port.
  if (listens(kLoopback6) || listens("::")) return {kLoopback6};
  return {};
}

}  // namespace

bool listens_at(const std::vector<ListenAddress>& listeners, const Expose& expose) {
  const bool v6 = expose.address == kLoopback6;
  return std::ranges::any_of(listeners, [&](const ListenAddress& one) {
    return one.port == expose.port && (v6 ? one.address == kLoopback6 || one.address == "::"
                                          : one.address == kLoopback4 || one.address == "0.0.0.0");
  });
}

bool may_be_met_at(const net::TcpListener& listener, const Expose& expose) {
  const ListenAddress at{listener.address.to_string(), listener.port};
  const bool any = at.address == "::" && at.port == expose.port;  // most are for both families
  return any || listens_at({at}, expose);
}

bool has_own_uid(const DeploymentInfo& info) { return info.uid > 0 && info.uid != geteuid() && !info.privileged; }

bool is_own(const net::TcpListener& listener, const DeploymentInfo& info) {
  if (has_own_uid(info) && listener.uid == static_cast<uid_t>(info.uid)) return true;
  const ListenAddress address{listener.address.to_string(), listener.port};
  return info.listeners && std::ranges::find(*info.listeners, address) != info.listeners->end();
}

std::set<std::uint16_t> exposed_ports(const std::vector<DeploymentInfo>& deployments) {
  std::set<std::uint16_t> ports;
  for (const auto& info : deployments)
    for (const auto& expose : info.expose) ports.insert(expose.port);
  return ports;
}

net::Task<std::string> answering_address(DeploymentInfo info, std::uint16_t port) {
  const auto candidates = own_addresses(info, port);
  for (const auto& address : candidates) {
    const bool answering = co_await connects(asio::ip::make_address(address), port);
    if (answering) co_return address;
  }
  co_return std::string();
}

std::string holder_of(std::uint16_t port) {
  const auto listeners = net::tcp_listeners();
  const auto holder = std::ranges::find(listeners, port, &net::TcpListener::port);
  return holder == listeners.end() ? std::string() : "uid " + std::to_string(holder->uid);
}

}  // namespace dd::agent
