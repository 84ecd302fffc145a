// What owners and agents ask of a fleet over HTTP (docs/wire.md, 5.3, 5.5, 6 and 6b).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dd/bytes.hpp"
#include "dd/workload.hpp"
#include "libdd/crypto/okp.hpp"
#include "libdd/protocol/health.hpp"
#include "libdd/workload/log_lines.hpp"

namespace dd::protocol {

struct IngressReplace {
  std::string agent_id;
  std::vector<Expose> extras;
  bool operator==(const IngressReplace&) const = default;
};
struct IngressAnswer {
  std::string agent_id;
  std::vector<std::string> extra_hostnames;  // in the order of the extras
  bool quarantined = false;  // kept, and published when the agent has proved itself again
  std::optional<std::int64_t> config_version = std::nullopt;  // of the tunnel's configuration, from which it holds
  bool operator==(const IngressAnswer&) const = default;
};

/// A row of GET /api/agents.
struct AgentView {
  std::string agent_id;
  std::string vm_name;
  std::string hostname;
  std::string status;
  std::string reason;
  std::string last_seen;  // RFC 3339 or empty
  std::string registered_at;
  std::string kid;
  std::vector<std::string> extra_hostnames;
  bool simulated = false;
  std::string verdict;  // JSON text
  std::string tcb_status;
  std::string mrtd;
  bool compat = false;  // came through the compat listener: never attested
  bool operator==(const AgentView&) const = default;
};

struct CpHealth {
  bool ok = true;
  std::string version;
  std::string env;
  std::string hostname;
  bool simulated = false;
  std::string policy;  // enforced, tofu
  std::int64_t agent_count = 0;
  std::int64_t healthy_count = 0;
  std::int64_t uptime_secs = 0;
  bool operator==(const CpHealth&) const = default;
};

/// Body of POST /api/agents/{id}/revoke.
struct RevokeRequest {
  std::string reason;  // may be empty

  bool operator==(const RevokeRequest&) const = default;
};

/// Body of POST /api/invites.
struct InviteRequest {
  std::string vm_name;  // empty: any

  bool operator==(const InviteRequest&) const = default;
};

struct Invite {
  std::string ticket;
  std::int64_t expires_at = 0;
  bool operator==(const Invite&) const = default;
};

/// POST /deploy and GET /deployments/{id}: what has become of a deployment.
struct DeployAnswer {
  std::string id;
  std::string status;
  std::string app_name;
  std::vector<std::string> hostnames;
  std::vector<std::string> urls;
  std::vector<std::string> warnings;
  bool ready = false;
  bool settled = false;      // the agent does nothing more for it
  bool rolled_back = false;  // it is not ready, and the one before serves
  std::string replaced;      // ids, or empty
  std::string rollback_of;
  std::string reason;  // why it is not ready
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::vector<std::string> last_lines;    // of its log, when it is not ready
  std::vector<std::uint16_t> listening;  // ports of its processes
  std::vector<Expose> expose;            // with the ports that were chosen
  bool operator==(const DeployAnswer&) const = default;
};

struct DeploymentsAnswer {
  std::vector<DeploymentInfo> deployments;

  bool operator==(const DeploymentsAnswer&) const = default;
};

struct LogsAnswer {
  std::string app_name;
  std::string id;
  std::string status;
  LogLines log;
  bool operator==(const LogsAnswer&) const = default;
};

struct MopAnswer {
  std::string app_name;
  std::string id;
  std::vector<std::string> hostnames;
  bool operator==(const MopAnswer&) const = default;
};

/// GET /attest: everything a stranger to the VM needs to check it.
struct Evidence {
  Bytes quote;
  Bytes runtime_data;
  Bytes nonce;
  crypto::OkpPublicKey signing_key{crypto::Curve::ed25519, {}};
  crypto::OkpPublicKey sealing_key{crypto::Curve::x25519, {}};
  LogPage log;
  std::int64_t quoted_events = 0;
  std::string ita_token;
  bool operator==(const Evidence&) const = default;
};

[[nodiscard]] nlohmann::json to_json_value(const IngressReplace& request);
[[nodiscard]] Result<IngressReplace> ingress_replace_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const IngressAnswer& answer);
[[nodiscard]] Result<IngressAnswer> ingress_answer_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const AgentView& view);
/// The whole answer, a list.
[[nodiscard]] Result<std::vector<AgentView>> agent_views_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const CpHealth& health);
[[nodiscard]] Result<CpHealth> cp_health_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const RevokeRequest& request);
[[nodiscard]] Result<RevokeRequest> revoke_request_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const InviteRequest& request);
[[nodiscard]] Result<InviteRequest> invite_request_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const Invite& invite);
[[nodiscard]] Result<Invite> invite_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const DeployAnswer& answer);
[[nodiscard]] Result<DeployAnswer> deploy_answer_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const DeploymentsAnswer& answer);
[[nodiscard]] Result<DeploymentsAnswer> deployments_answer_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const LogsAnswer& answer);
[[nodiscard]] Result<LogsAnswer> logs_answer_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const MopAnswer& answer);
[[nodiscard]] Result<MopAnswer> mop_answer_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const Evidence& evidence);
[[nodiscard]] Result<Evidence> evidence_from(const nlohmann::json& value);

}  // namespace dd::protocol
