// What an agent and a control plane say to each other when an agent registers (docs/wire.md, 5.1 and 5.2).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dd/bytes.hpp"
#include "dd/workload.hpp"
#include "libdd/crypto/okp.hpp"

namespace dd::protocol {

struct ChallengeAnswer {
  Digest256 nonce{};
  std::int64_t expires_in = 120;
  bool operator==(const ChallengeAnswer&) const = default;
};

/// Carries the dd-register-head+jwt of a POST /register.
inline constexpr const char* kRegisterHeader = "DD-Register";

/// Claims of dd-register-head+jwt: who is about to send which registration. All that is read of somebody who may be a stranger.
struct RegisterHead {
  std::string audience;
  std::int64_t issued_at = 0;
  std::string vm_name;
  Digest256 nonce{};
  crypto::OkpPublicKey signing_key{crypto::Curve::ed25519, {}};
  Digest256 body_sha256{};
  std::int64_t body_bytes = 0;
  bool operator==(const RegisterHead&) const = default;
};

/// Claims of dd-register+jwt.
struct RegisterClaims {
  std::string audience;
  std::int64_t issued_at = 0;
  std::string vm_name;
  std::string env_label;
  std::string owner;
  Digest256 nonce{};
  crypto::OkpPublicKey signing_key{crypto::Curve::ed25519, {}};
  crypto::OkpPublicKey sealing_key{crypto::Curve::x25519, {}};
  std::string boot_id;
  std::vector<Expose> extra_ingress;
  std::uint16_t agent_port = 0;
  std::vector<std::string> event_log;  // canonical texts
  std::int64_t quoted_events = 0;
  std::string ita_token;
  bool operator==(const RegisterClaims&) const = default;
};

struct RegisterAnswer {
  std::string agent_id;
  std::string hostname;
  std::string cp_hostname;
  crypto::OkpPublicKey cp_key{crypto::Curve::ed25519, {}};
  Bytes tunnel_token_sealed;
  std::vector<std::string> extra_hostnames;
  std::int64_t poll_interval_secs = 30;
  std::int64_t refresh_secs = 180;
  std::string verdict;  // JSON text
  bool operator==(const RegisterAnswer&) const = default;
};

/// POST /tunnel/check.
struct TunnelAnswer {
  std::string agent_id;
  std::optional<Bytes> tunnel_token_sealed;  // as in a RegisterAnswer; only when the tunnel was gone and is made anew
  bool operator==(const TunnelAnswer&) const = default;
};

[[nodiscard]] nlohmann::json to_json_value(const TunnelAnswer& answer);
[[nodiscard]] Result<TunnelAnswer> tunnel_answer_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const ChallengeAnswer& answer);
[[nodiscard]] Result<ChallengeAnswer> challenge_answer_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const RegisterHead& head);
/// Checks shape only, as register_claims_from does.
[[nodiscard]] Result<RegisterHead> register_head_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const RegisterClaims& claims);
/// `path` is where the claims stand, "$.registration" at the control plane. Checks shape only: who signed, for whom and when is
/// the statement's verifier's to say, and what the log holds its replay's.
[[nodiscard]] Result<RegisterClaims> register_claims_from(const nlohmann::json& value, std::string path);
/// SHA-256 of the canonical claims without ita_token, quoted_events and event_log: what the quote is bound to.
[[nodiscard]] Result<Digest256> hashed_claims(const nlohmann::json& claims);
[[nodiscard]] nlohmann::json to_json_value(const RegisterAnswer& answer);
[[nodiscard]] Result<RegisterAnswer> register_answer_from(const nlohmann::json& value);

}  // namespace dd::protocol
