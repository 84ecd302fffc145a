// What the control plane knows of one agent, as it is kept in the registry.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dd/claims.hpp"
#include "dd/event_log.hpp"
#include "dd/workload.hpp"
#include "libdd/crypto/okp.hpp"

namespace dd::cp {

enum class AgentStatus {
  unknown,      ///< known from the registry, not polled since this process started
  healthy,
  unreachable,  ///< a poll failed
  quarantined,  ///< expired, or silent for three polls: only its own host is routed
  dropping,     ///< decided; its tunnel and DNS records are being removed
  dropped,
};
[[nodiscard]] std::string_view to_string(AgentStatus status) noexcept;
/// Not dropping and not dropped: it holds its VM name.
[[nodiscard]] bool is_live(AgentStatus status) noexcept;

struct AgentRecord {
  std::string agent_id;  // also the name of its tunnel
  std::string vm_name;
  std::string hostname;
  std::string tunnel_id;
  crypto::OkpPublicKey signing_key{crypto::Curve::ed25519, {}};
  crypto::OkpPublicKey sealing_key{crypto::Curve::x25519, {}};
  std::string boot_id;
  /// Registered on the compat listener: it has no keys, no boot id and no log, and never counts as attested.
  bool compat = false;
  /// Its tunnel was made by a control plane of the earlier system: its name carries no mark of ours, and the operator's word is that it is ours.
  bool adopted = false;
  AgentStatus status = AgentStatus::unknown;
  std::string reason;
  std::int64_t registered_at = 0;  // unix seconds, as all times here
  std::int64_t last_seen = 0;  // last poll that was proven
  std::int64_t quarantined_at = 0;
  std::int64_t dropped_at = 0;
  /// Dropped for silence or expiry alone: its key may come back without a new credential.
  bool renewable = false;
  /// Its tunnel was made anew, and it has not been polled through that yet.
  bool token_untaken = false;
  int failed_polls = 0;

  TdxClaims pins;  // written at registration; drift is measured against them
  LogFacts facts;
  std::string verdict;  // JSON text
  std::string tcb_status;

  std::int64_t log_length = 0;  // events shown so far
  Digest384 log_head{};
  std::int64_t quoted_events = 0;  // the prefix that the last accepted token is bound to; never gets shorter
  Digest384 quoted_head{};
  Digest256 register_token_sha256{};
  std::int64_t token_expires_at = 0;

  std::vector<Expose> extras;
  std::uint16_t agent_port = 0;

  std::int64_t seq_high = -1;  // highest call number seen
  std::uint64_t seq_window = 0;  // bit i: seq_high − i was seen

  /// Under what a revocation of it is kept: its key, or its VM name when it has none.
  [[nodiscard]] std::string deny_key() const { return compat ? "compat:" + vm_name : signing_key.kid(); }
};

[[nodiscard]] nlohmann::json to_json_value(const AgentRecord& record);
[[nodiscard]] Result<AgentRecord> agent_record_from(const nlohmann::json& value);

/// Marks `seq` as used. Errors: unauthenticated, reason replayed, when it was used or is behind the window of 64.
[[nodiscard]] Result<void> use_seq(AgentRecord& record, std::int64_t seq);

}  // namespace dd::cp
