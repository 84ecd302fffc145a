// Who holds a control plane's host name: what GET /cp/proof answers (docs/wire.md, 6c).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "dd/bytes.hpp"
#include "libdd/crypto/okp.hpp"

namespace dd::protocol {

/// dd-holder+jwt: said by the control plane that was asked, for one nonce.
struct HolderClaims {
  std::string audience;  // cp_origin
  std::int64_t issued_at = 0;
  Digest256 nonce{};
  std::string tunnel;  // the name of its own tunnel
  Digest256 token_sha256{};  // of the evidence's token; of nothing when there is none
  bool operator==(const HolderClaims&) const = default;
};

/// A token that Intel Trust Authority made of a quote under tag dd/attest/v1 over these members and the proof's keys.
struct HolderEvidence {
  std::string ita_token;
  Bytes nonce;  // the holder's own: 16 to 64 bytes
  Digest384 log_head{};
  bool operator==(const HolderEvidence&) const = default;
};

struct HolderProof {
  std::string statement;
  crypto::OkpPublicKey signing_key{crypto::Curve::ed25519, {}};
  crypto::OkpPublicKey sealing_key{crypto::Curve::x25519, {}};
  std::optional<HolderEvidence> evidence;  // none: it cannot attest
  bool operator==(const HolderProof&) const = default;
};

[[nodiscard]] nlohmann::json to_json_value(const HolderClaims& claims);
[[nodiscard]] Result<HolderClaims> holder_claims_from(const nlohmann::json& value);
[[nodiscard]] nlohmann::json to_json_value(const HolderProof& proof);
[[nodiscard]] Result<HolderProof> holder_proof_from(const nlohmann::json& value);

}  // namespace dd::protocol
