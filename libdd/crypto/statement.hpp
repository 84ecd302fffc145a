// The one verifier of our signed statements (docs/wire.md, 3): typ, aud, key and times, each exact.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libdd/crypto/jws.hpp"

namespace dd::crypto {

inline constexpr std::string_view kRegisterTyp = "dd-register+jwt";
inline constexpr std::string_view kRegisterHeadTyp = "dd-register-head+jwt";
inline constexpr std::string_view kCallTyp = "dd-call+jwt";
inline constexpr std::string_view kPollTyp = "dd-poll+jwt";
inline constexpr std::string_view kProofTyp = "dd-proof+jwt";
inline constexpr std::string_view kJoinTyp = "dd-join+jwt";
inline constexpr std::string_view kSessionTyp = "dd-session+jwt";
inline constexpr std::string_view kHandoffTyp = "dd-handoff+jwt";
inline constexpr std::string_view kCookieTyp = "dd-cookie+jwt";
inline constexpr std::string_view kHolderTyp = "dd-holder+jwt";

enum class Expiry { required, absent };

struct StatementRule {
  std::string_view typ;
  std::string_view audience;
  Expiry expiry = Expiry::absent;
  std::int64_t now = 0;  // unix seconds
};

/// Shape only: an EdDSA JWS whose header has alg, kid and typ and nothing else.
[[nodiscard]] Result<ParsedJws> parse_statement(std::string_view compact, std::string_view typ);
/// Signature by `key` (whose kid must be the header's), then typ, aud, iat (≤ now + 60) and exp (> now).
/// Errors: unauthenticated with reason signature_invalid.
[[nodiscard]] Result<void> verify_statement(const ParsedJws& statement, const OkpPublicKey& key,
                                            const StatementRule& rule);

}  // namespace dd::crypto
