// The inside of HPKE (RFC 9180, 4.1 and 5.1), apart so that its vectors can be tested step by step.
#pragma once

#include "libdd/crypto/okp.hpp"

namespace dd::crypto {

struct HpkeKeys {
  Digest256 key{};
  std::array<std::byte, 12> base_nonce{};
};

/// ExtractAndExpand of DHKEM(X25519, HKDF-SHA256); kem_context is enc ‖ pkR.
[[nodiscard]] Digest256 hpke_shared_secret(const Digest256& dh, const Digest256& enc, const Digest256& recipient);
/// KeySchedule in base mode: no psk.
[[nodiscard]] HpkeKeys hpke_schedule(const Digest256& shared_secret, ByteView info);
/// hpke_seal with a given ephemeral key; a key must never seal twice.
[[nodiscard]] Result<Bytes> hpke_seal_with(const OkpPrivateKey& ephemeral, const OkpPublicKey& to, ByteView info,
                                           ByteView aad, ByteView plaintext);

}  // namespace dd::crypto
