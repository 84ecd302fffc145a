#include "libdd/agent/chosen_ports.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>

namespace dd::agent {
namespace {

using boost::asio::ip::tcp;

std::string variable_of(const std::string& label) {
  std::string name = "PORT_";
  for (const char c : label) name += c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

std::uint16_t random_start(Random& random) {
  std::array<std::byte, 2> bytes{};
  random.fill(bytes);
  const auto number = std::to_integer<unsigned>(bytes[0]) * 256U + std::to_integer<unsigned>(bytes[1]);
  return static_cast<std::uint16_t>(kFirstChosenPort + number % (kLastChosenPort - kFirstChosenPort + 1));
}

/// From a random one on, so that agents that share loopback seldom meet.
std::optional<std::uint16_t> choose(const std::function<bool(std::uint16_t)>& is_free, Random& random) {
  const auto start = random_start(random);
  auto port = start;
  do {
    if (is_free(port)) return port;
    port = port == kLastChosenPort ? kFirstChosenPort : static_cast<std::uint16_t>(port + 1);
  } while (port != start);
  return std::nullopt;
}

bool is_for_outgoing(std::uint16_t port) {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  unsigned first = 0;
  unsigned last = 0;
  return static_cast<bool>(file >> first >> last) && port >= first && port <= last;
}

bool binds(const tcp::endpoint& endpoint) {
  boost::asio::io_context io;
  boost::system::error_code failed;
  tcp::acceptor acceptor(io);
  acceptor.open(endpoint.protocol(), failed);
  if (failed) return true;  // a machine without that family
  if (endpoint.address().is_v6()) acceptor.set_option(boost::asio::ip::v6_only(true), failed);
  acceptor.bind(endpoint, failed);
  return !failed;
}

}  // namespace

Result<DeployRequest> with_chosen_ports(DeployRequest request, const std::function<bool(std::uint16_t)>& is_free,
                                        Random& random) {
  std::vector<std::pair<std::string, std::string>> variables;
  std::set<std::uint16_t> taken;
  for (const auto& expose : request.expose) taken.insert(expose.port);
  for (auto& expose : request.expose) {
    if (expose.port != 0) continue;
    const auto port = choose([&](std::uint16_t one) { return !taken.contains(one) && is_free(one); }, random);
    if (!port) return fail(ErrorCode::unavailable, "cannot deploy: no port is left to choose");
    expose.port = *port;
    taken.insert(*port);
    const auto text = std::to_string(*port);
    if (variables.empty()) variables.emplace_back("PORT", text);
    variables.emplace_back(variable_of(expose.hostname_label), text);
  }
  for (std::size_t i = 0; i < request.env.size(); ++i) {
    const auto& name = request.env[i].first;
    if (std::ranges::any_of(variables, [&name](const auto& variable) { return variable.first == name; }))
      return fail_at(ErrorCode::invalid_argument, "$.env[" + std::to_string(i) + "]",
                     "cannot deploy: " + name + " is what a chosen port is handed over in; name the port, or leave " +
                         name + " out");
  }
  request.env.insert(request.env.begin(), std::make_move_iterator(variables.begin()),
                     std::make_move_iterator(variables.end()));
  return request;
}

bool can_be_bound(std::uint16_t port) {
  if (is_for_outgoing(port)) return false;
  return binds({boost::asio::ip::address_v4::any(), port}) && binds({boost::asio::ip::address_v6::any(), port});
}

}  // namespace dd::agent
