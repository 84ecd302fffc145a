// The earlier system's messages, as a compat listener speaks them (docs/wire.md, 12). No key, no challenge, no event log.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dd/error.hpp"
#include "dd/workload.hpp"

namespace dd::protocol {

/// POST /register. Unknown members are tolerated, as everywhere in that system.
struct SeedRegister {
  std::string vm_name;
  std::string env_label;
  std::string owner;
  std::string ita_token;
  std::vector<Expose> extra_ingress;
  bool operator==(const SeedRegister&) const = default;
};
[[nodiscard]] Result<SeedRegister> seed_register_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const SeedRegister& request);

/// Its answer. The secret keys cookies of the earlier system; nothing else of this fleet accepts it.
struct SeedRegisterAnswer {
  std::string tunnel_token;
  std::string hostname;
  std::string agent_id;
  std::string jwt_secret_b64;
  std::string cp_hostname;
  bool operator==(const SeedRegisterAnswer&) const = default;
};
[[nodiscard]] nlohmann::json to_json_value(const SeedRegisterAnswer& answer);
[[nodiscard]] Result<SeedRegisterAnswer> seed_register_answer_from(const nlohmann::json& value);

/// POST /ingress/replace: the full list.
struct SeedIngress {
  std::string agent_id;
  std::vector<Expose> extras;
  bool operator==(const SeedIngress&) const = default;
};
[[nodiscard]] Result<SeedIngress> seed_ingress_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const SeedIngress& request);

/// What of an agent's GET /health says who it is; the rest is for people.
struct SeedHealth {
  std::string vm_name;
  std::string ita_token;
  std::vector<Expose> extra_ingress;  // without rows that could not be published
  bool operator==(const SeedHealth&) const = default;
};
[[nodiscard]] Result<SeedHealth> seed_health_from(const nlohmann::json& value);

/// A row of GET /api/agents.
struct SeedAgent {
  std::string agent_id;
  std::string vm_name;
  std::string hostname;
  std::string status;  // healthy, stale or dead
  std::string last_seen;  // RFC 3339
};
[[nodiscard]] nlohmann::json to_json_value(const SeedAgent& agent);
/// The ids in the answer to GET /api/agents, in no order.
[[nodiscard]] Result<std::vector<std::string>> seed_agent_ids_from(const nlohmann::json& value);

/// An error as that system spells it: its five codes, its prefixes, its status.
struct SeedError {
  int status = 500;
  std::string body;
};
[[nodiscard]] SeedError seed_error(const Error& error);

}  // namespace dd::protocol
