// Making and checking the statements of docs/wire.md, 13. Pure: clock and random numbers come from the caller.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "dd/clock.hpp"
#include "dd/identity.hpp"
#include "dd/random.hpp"
#include "libdd/crypto/okp.hpp"
#include "libdd/protocol/session.hpp"

namespace dd::identity {

/// 128 random bits as base64url: the id of a statement that is used once.
[[nodiscard]] std::string new_id(Random& random);

/// Claims of a session from now on.
[[nodiscard]] protocol::SessionClaims new_session(const Principal& person, std::string audience,
                                                  std::chrono::seconds life, const Clock& clock, Random& random);

/// What a session that comes from this one has in `from`.
[[nodiscard]] std::vector<std::string> lineage_of(const protocol::SessionClaims& session);

/// Who must have signed, for whom it must be, and when it is read.
struct StatementReader {
  const crypto::OkpPublicKey& key;
  std::string_view audience;
  std::int64_t now = 0;  // unix seconds
};

/// Checks typ, key, signature, aud and times, then the claims.
/// Errors: unauthenticated, reason signature_invalid.
[[nodiscard]] Result<protocol::SessionClaims> verify_session(std::string_view compact, const StatementReader& reader);
/// The same for the session that an agent signs for its own pages (dd-cookie+jwt).
[[nodiscard]] Result<protocol::SessionClaims> verify_agent_cookie(std::string_view compact,
                                                                  const StatementReader& reader);
/// The same for a hand-off. That it comes from the browser it is for and is used once is the caller's to check.
[[nodiscard]] Result<protocol::HandoffClaims> verify_handoff(std::string_view compact, const StatementReader& reader);

}  // namespace dd::identity
