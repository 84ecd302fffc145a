// The body of POST /register: what its head announced, and no other (docs/wire.md, 5.2).
#pragma once

#include <string>

#include "dd/bytes.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/protocol/registration.hpp"

namespace dd::cp {

inline constexpr std::size_t kMaxRegistration = 4 * 1024 * 1024;

struct SentRegistration {
  protocol::RegisterClaims claims;
  Digest256 claims_sha256{};  // of what the quote is bound to
};

/// Size and digest, shape, the head's own nonce, key and name, and the signature. Takes up to 200 ms for a body of 4 MiB, and touches nothing else:
/// any thread will do. Errors: malformed with the path below "$.registration"; unauthenticated with reason signature_invalid.
[[nodiscard]] Result<SentRegistration> read_registration(const std::string& body, const protocol::RegisterHead& head,
                                                         const crypto::StatementRule& rule);

}  // namespace dd::cp
