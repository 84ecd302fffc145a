// What a token of Intel Trust Authority says, read strictly from its payload (claims of versions 1 and 2).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "dd/claims.hpp"

namespace dd::ita {

inline constexpr const char* kTokenInvalid = "token_invalid";
inline constexpr const char* kTokenExpired = "token_expired";
inline constexpr std::size_t kLongestToken = 64 * 1024;

/// What a token must say to be accepted.
struct TokenRules {
  std::string issuer;
  std::string attester_type = "TDX";
  /// Accept `attester_type` other than "TDX", and only for it the debug bit. Without -Dsimulation=true it has no effect.
  bool simulated = false;
  std::chrono::seconds leeway{60};
  std::chrono::seconds longest_life{3600};
  std::int64_t now = 0;  // unix seconds
};

/// `payload` comes from a token whose signature was verified. Version 1 claims stand at the top, version 2 claims in `tdx`; a token with both, or
/// with anything of SGX, is refused. Says nothing about measurements, report data or which TCB status is good enough, but refuses `Revoked`.
/// Errors: unauthenticated, reason token_expired or token_invalid, the claim's path in `path`.
[[nodiscard]] Result<TdxClaims> read_token_claims(const nlohmann::json& payload, const TokenRules& rules);

}  // namespace dd::ita
