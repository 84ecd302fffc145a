// What an agent shows when it is polled, and the statements around a poll (docs/wire.md, 3 and 5.4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dd/bytes.hpp"
#include "dd/workload.hpp"
#include "libdd/protocol/session.hpp"

namespace dd::protocol {

inline constexpr const char* kChallengeHeader = "DD-Challenge";
inline constexpr const char* kProofHeader = "DD-Proof";
inline constexpr const char* kCallHeader = "DD-Call";
inline constexpr std::int64_t kLogPage = 256;

struct PollClaims {
  std::string audience;  // agent_id
  std::string issuer;    // cp_origin
  std::int64_t issued_at = 0;
  std::int64_t expires_at = 0;
  Digest256 nonce{};
  std::int64_t log_from = 0;
  std::vector<EndedSession> signed_out;  // at the control plane; at most kMostSignedOut
  std::int64_t all_over_until = 0;  // unix seconds; no session that was issued until then is good
  bool operator==(const PollClaims&) const = default;
};

struct ProofClaims {
  std::string audience;  // cp_origin
  std::string issuer;    // agent_id
  std::int64_t issued_at = 0;
  std::string boot_id;
  Digest256 nonce{};
  Digest256 token_sha256{};
  Digest256 body_sha256{};
  Digest384 log_head{};
  std::int64_t seq = 0;
  bool operator==(const ProofClaims&) const = default;
};

struct CallClaims {
  std::string audience;  // cp_origin
  std::string issuer;    // agent_id
  std::int64_t issued_at = 0;
  std::string method;
  std::string path;
  Digest256 body_sha256{};
  std::int64_t seq = 0;
  bool operator==(const CallClaims&) const = default;
};

/// What REPORTDATA of the token shown is made of.
struct TokenBinding {
  std::string tag;
  Digest256 nonce{};
  std::int64_t quoted_events = 0;
  bool operator==(const TokenBinding&) const = default;
};

struct LogPage {
  std::int64_t from = 0;
  std::int64_t total = 0;
  Digest384 head{};
  std::vector<std::string> events;  // canonical texts
  bool operator==(const LogPage&) const = default;
};

struct Metrics {
  double cpu_percent = 0;
  double load_1m = 0;
  std::int64_t memory_used_mb = 0;
  std::int64_t memory_total_mb = 0;
  bool operator==(const Metrics&) const = default;
};

struct AppStatus {
  std::string app_name;
  std::string status;
  bool operator==(const AppStatus&) const = default;
};

/// The answer to an anonymous GET /health of an agent.
struct PublicHealth {
  bool ok = true;
  std::string version;
  std::string integrity;  // attested, simulated, unregistered
  bool operator==(const PublicHealth&) const = default;
};

/// The answer to a challenged GET /health.
struct AgentHealth {
  PublicHealth base;
  std::string agent_id;
  std::string vm_name;
  std::string hostname;
  std::string owner;
  std::string boot_id;
  std::string ita_token;
  TokenBinding binding;
  LogPage log;
  std::vector<AppStatus> deployments;
  std::vector<Expose> extra_ingress;
  std::int64_t uptime_secs = 0;
  Metrics metrics;
  bool operator==(const AgentHealth&) const = default;
};

[[nodiscard]] nlohmann::json to_json_value(const PollClaims& claims);
[[nodiscard]] Result<PollClaims> poll_claims_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const ProofClaims& claims);
[[nodiscard]] Result<ProofClaims> proof_claims_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const CallClaims& claims);
[[nodiscard]] Result<CallClaims> call_claims_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const LogPage& page);
[[nodiscard]] Result<LogPage> log_page_from(const nlohmann::json& value, std::string path);
[[nodiscard]] nlohmann::json to_json_value(const PublicHealth& health);
[[nodiscard]] nlohmann::json to_json_value(const AgentHealth& health);
[[nodiscard]] Result<AgentHealth> agent_health_from(const nlohmann::json& value);

}  // namespace dd::protocol
