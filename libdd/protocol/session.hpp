// What lets a person act: sessions, the hand-off that carries one from the control plane to an agent, and how they are asked for
// (docs/wire.md, 3 and 13).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dd/bytes.hpp"

namespace dd::protocol {

/// A link that a session makes starts another session: eight times after one another, and the last one may still be handed off to an agent.
inline constexpr std::size_t kMostAncestors = 9;

inline constexpr std::size_t kLongestSessionId = 64;

/// So many are told to agents.
inline constexpr std::size_t kMostSignedOut = 32;

/// A session that is over before its time: signed out, or its token was refused.
struct EndedSession {
  std::string id;
  std::int64_t expires_at = 0;
  bool operator==(const EndedSession&) const = default;
};

/// Claims of dd-session+jwt.
struct SessionClaims {
  std::string audience;  // an agent_id (bearer) or an origin (cookie)
  std::string login;
  std::int64_t user_id = 0;  // GitHub's numeric id
  std::int64_t issued_at = 0;
  std::int64_t expires_at = 0;
  std::string id;  // jti
  std::vector<std::string> from;  // jti of the sessions that it came from and ends with, the first one first
  bool operator==(const SessionClaims&) const = default;
};

/// Claims of dd-handoff+jwt: a session for one agent, good once and in one browser.
struct HandoffClaims {
  SessionClaims base;  // aud agent_id
  Digest256 browser{};  // SHA-256 of the pre-cookie of that browser
  std::int64_t session_expires_at = 0;  // when the sign-in at the control plane ends
  bool operator==(const HandoffClaims&) const = default;
};

/// Body of POST /auth/token.
struct TokenRequest {
  std::string audience;  // an agent_id
  bool operator==(const TokenRequest&) const = default;
};

struct TokenAnswer {
  std::string token;  // dd-session+jwt
  std::int64_t expires_in = 0;  // seconds
  bool operator==(const TokenAnswer&) const = default;
};

/// The answer to POST /auth/link.
struct LinkAnswer {
  std::string url;
  std::int64_t expires_in = 0;  // seconds
  bool operator==(const LinkAnswer&) const = default;
};

[[nodiscard]] nlohmann::json to_json_value(const SessionClaims& claims);
[[nodiscard]] Result<SessionClaims> session_claims_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const HandoffClaims& claims);
[[nodiscard]] Result<HandoffClaims> handoff_claims_from(const nlohmann::json& value);
[[nodiscard]] Result<TokenRequest> token_request_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const TokenAnswer& answer);
[[nodiscard]] nlohmann::json to_json_value(const LinkAnswer& answer);
[[nodiscard]] Result<LinkAnswer> link_answer_from(const nlohmann::json& value);

}  // namespace dd::protocol
