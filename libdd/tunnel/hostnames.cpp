// Public hostnames of an agent and its workloads, and the ingress rules behind them.
#include <algorithm>

#include "dd/tunnel.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd {
namespace {

constexpr std::size_t kMaxLabel = 63;   // RFC 1035, 2.3.4
constexpr std::size_t kMaxHostname = 253;
constexpr std::size_t kHashDigits = 12;
constexpr const char* kLoopback = "127.0.0.1";

bool is_dns_label(std::string_view label) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, good);
}

bool is_hostname(std::string_view name) {
  if (name.size() > kMaxHostname) return false;
  for (;;) {
    const auto dot = name.find('.');
    if (!is_dns_label(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

/// The label stays whole, so two labels of one agent never meet; the hash tells agents with one beginning apart.
std::string flat_label(std::string_view agent, std::string_view label) {
  auto whole = std::string(agent) + "-" + std::string(label);
  if (whole.size() <= kMaxLabel) return whole;
  const auto digest = crypto::sha256(as_bytes(whole));
  const auto hash = to_hex(digest).substr(0, kHashDigits);
  auto start = agent.substr(0, kMaxLabel - label.size() - hash.size() - 2);
  while (start.ends_with('-')) start.remove_suffix(1);
  return std::string(start) + "-" + hash + "-" + std::string(label);
}

std::string service_of(const Expose& expose) {
  const auto scheme = expose.protocol == ServiceProtocol::https ? "https"
                      : expose.protocol == ServiceProtocol::tcp ? "tcp"
                                                                : "http";
  // Never "localhost", which is tried in both families: the other one may be somebody else's.
  const auto host = expose.address.empty() ? kLoopback : expose.address == "::1" ? "[::1]" : expose.address;
  return std::string(scheme) + "://" + host + ":" + std::to_string(expose.port);
}

}  // namespace

Result<std::string> extra_hostname(std::string_view label, std::string_view agent_hostname, IngressStyle style) {
  const auto refuse = [&](const std::string& why) {
    return fail(ErrorCode::invalid_argument,
                "cannot name a host for label \"" + std::string(label.substr(0, kMaxLabel)) + "\": " + why);
  };
  if (!valid_hostname_label(label)) return refuse("want 1..32 of a-z, 0-9 and '-', not at the ends");
  const auto dot = agent_hostname.find('.');
  if (!is_hostname(agent_hostname) || dot == std::string_view::npos)
    return refuse("the agent's own host is not a DNS name below a domain");
  auto name = style == IngressStyle::nested
                  ? std::string(label) + "." + std::string(agent_hostname)
                  : flat_label(agent_hostname.substr(0, dot), label) + std::string(agent_hostname.substr(dot));
  if (name.size() > kMaxHostname) return refuse(std::to_string(name.size()) + " characters, want at most 253");
  return name;
}

Result<std::vector<IngressRule>> ingress_rules(std::string_view agent_hostname, std::uint16_t agent_port,
                                               const std::vector<Expose>& extras, IngressStyle style,
                                               std::string_view workload_hostname) {
  if (workload_hostname.empty()) workload_hostname = agent_hostname;
  std::vector<IngressRule> rules;
  rules.reserve(extras.size() + 1);
  const auto add = [&](std::string hostname, std::uint16_t port, std::string service) -> Result<void> {
    const auto refuse = [&](const char* why) {
      return fail(ErrorCode::invalid_argument, "cannot route \"" + hostname + "\": " + why);
    };
    if (port == 0) return refuse("port 0, want 1..65535");
    if (std::ranges::find(rules, hostname, &IngressRule::hostname) != rules.end())
      return refuse("two rules have this hostname");
    rules.push_back({std::move(hostname), std::move(service)});
    return {};
  };
  for (const auto& extra : extras) {
    auto hostname = extra_hostname(extra.hostname_label, workload_hostname, style);
    if (!hostname) return tl::unexpected(hostname.error());
    if (auto added = add(*std::move(hostname), extra.port, service_of(extra)); !added)
      return tl::unexpected(added.error());
  }
  if (!is_hostname(agent_hostname))
    return fail(ErrorCode::invalid_argument, "cannot route the agent: its host is not a DNS name");
  auto own = add(std::string(agent_hostname), agent_port,
                 "http://" + std::string(kLoopback) + ":" + std::to_string(agent_port));
  if (!own) return tl::unexpected(own.error());
  return rules;
}

}  // namespace dd
