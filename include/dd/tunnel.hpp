// Tunnels and hostnames: what a control plane needs of Cloudflare, and names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dd/bytes.hpp"
#include "dd/random.hpp"
#include "dd/workload.hpp"

namespace dd {

enum class IngressStyle { nested, flat };

/// `dd-<env>-<kind>-<uuid>`; the UUID's last six bytes are an HMAC over the rest under the fleet key. With an env of at most 17
/// characters and a kind of at most 5 it is one DNS label.
[[nodiscard]] std::string make_tunnel_name(std::string_view env, std::string_view kind, ByteView fleet_key,
                                           Random& random);
/// Whether `name` is a whole name of this environment and kind that carries our fleet's mark.
[[nodiscard]] bool is_our_tunnel_name(std::string_view name, std::string_view env, std::string_view kind,
                                      ByteView fleet_key);
/// `<label>.<agent hostname>` (nested) or `<agent>-<label>.<rest>` (flat), which becomes `<start of agent>-<12 hex>-<label>.<rest>` where it would
/// pass 63 characters. Errors: invalid_argument when the label or the hostname is none, or the result would pass 253 characters.
[[nodiscard]] Result<std::string> extra_hostname(std::string_view label, std::string_view agent_hostname,
                                                 IngressStyle style);

struct IngressRule {
  std::string hostname;
  std::string service;  // "http://127.0.0.1:8080"
  bool operator==(const IngressRule&) const = default;
};
/// Extras in order, then the agent's own host. The catch-all is added when it is written. Which ports may be exposed is the caller's to decide.
/// The extras' names are made of `workload_hostname`, where it is not empty, as of the agent's otherwise.
/// Errors: as extra_hostname; invalid_argument on port 0 or when two rules have one hostname.
[[nodiscard]] Result<std::vector<IngressRule>> ingress_rules(std::string_view agent_hostname, std::uint16_t agent_port,
                                                             const std::vector<Expose>& extras, IngressStyle style,
                                                             std::string_view workload_hostname = {});

}  // namespace dd
