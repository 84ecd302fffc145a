#include <fmt/format.h>

#include "dd/tunnel.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd {
namespace {

constexpr std::size_t kUuidSize = 36;
constexpr std::size_t kMarkDigits = 12;  // the last six bytes of the UUID
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kLongestName = 253;
constexpr std::size_t kHashDigits = 8;

std::string prefix_of(std::string_view env, std::string_view kind) { return fmt::format("dd-{}-{}-", env, kind); }

std::string mark_of(std::string_view unmarked, ByteView fleet_key) {
  const auto mac = crypto::hmac_sha256(fleet_key, {as_bytes(unmarked)});
  return to_hex(ByteView(mac).first(kMarkDigits / 2));
}

bool is_uuid(std::string_view text) {
  if (text.size() != kUuidSize) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
    if (dash ? text[i] != '-' : !digit) return false;
  }
  return true;
}

std::string flat_label(std::string_view agent, std::string_view label) {
  auto name = fmt::format("{}-{}", agent, label);
  if (name.size() <= kLongestLabel) return name;
  // The hash keeps shortened names apart: of two labels that share a beginning both must stay reachable.
  const auto hash = to_hex(crypto::sha256(as_bytes(name))).substr(0, kHashDigits);
  const auto room = kLongestLabel - kHashDigits - label.size() - 2;
  return fmt::format("{}-{}-{}", agent.substr(0, room), hash, label);
}

std::string service_of(const Expose& expose) {
  const char* scheme = expose.protocol == ServiceProtocol::https ? "https" : expose.protocol == ServiceProtocol::tcp ? "tcp" : "http";
  return fmt::format("{}://localhost:{}", scheme, expose.port);
}

}  // namespace

std::string make_tunnel_name(std::string_view env, std::string_view kind, ByteView fleet_key, Random& random) {
  std::array<std::byte, 10> noise{};
  random.fill(noise);
  // RFC 9562, 4: version 4 and variant bits in a UUID whose node part is the mark.
  noise[6] = (noise[6] & std::byte{0x0f}) | std::byte{0x40};
  noise[8] = (noise[8] & std::byte{0x3f}) | std::byte{0x80};
  const auto hex = to_hex(noise);
  const auto unmarked = fmt::format("{}{}-{}-{}-{}-", prefix_of(env, kind), hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4));
  return unmarked + mark_of(unmarked, fleet_key);
}

bool is_our_tunnel_name(std::string_view name, std::string_view env, std::string_view kind, ByteView fleet_key) {
  const auto prefix = prefix_of(env, kind);
  if (name.size() != prefix.size() + kUuidSize || !name.starts_with(prefix) || !is_uuid(name.substr(prefix.size()))) return false;
  const auto unmarked = name.substr(0, name.size() - kMarkDigits);
  return constant_time_equal(as_bytes(mark_of(unmarked, fleet_key)), as_bytes(name.substr(unmarked.size())));
}

Result<std::string> extra_hostname(std::string_view label, std::string_view agent_hostname, IngressStyle style) {
  if (!valid_hostname_label(label)) return fail(ErrorCode::invalid_argument, fmt::format("cannot name host: \"{}\" is no hostname label", label));
  const auto dot = agent_hostname.find('.');
  if (dot == std::string_view::npos) return fail(ErrorCode::invalid_argument, fmt::format("cannot name host under {}: it has no domain", agent_hostname));
  const auto name = style == IngressStyle::nested ? fmt::format("{}.{}", label, agent_hostname)
                                                  : flat_label(agent_hostname.substr(0, dot), label) + std::string(agent_hostname.substr(dot));
  if (dot > kLongestLabel || name.size() > kLongestName) return fail(ErrorCode::invalid_argument, fmt::format("cannot name host: {} is too long", name));
  return name;
}

Result<std::vector<IngressRule>> ingress_rules(std::string_view agent_hostname, std::uint16_t agent_port, const std::vector<Expose>& extras,
                                               IngressStyle style) {
  std::vector<IngressRule> rules;
  for (const auto& extra : extras) {
    auto hostname = extra_hostname(extra.hostname_label, agent_hostname, style);
    if (!hostname) return tl::unexpected(hostname.error());
    rules.push_back({*std::move(hostname), service_of(extra)});
  }
  rules.push_back({std::string(agent_hostname), fmt::format("http://localhost:{}", agent_port)});
  return rules;
}

}  // namespace dd
