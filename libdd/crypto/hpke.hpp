// HPKE base mode, single shot (RFC 9180): DHKEM(X25519, HKDF-SHA-256), HKDF-SHA-256, ChaCha20-Poly1305.
#pragma once

#include "libdd/crypto/okp.hpp"

namespace dd::crypto {

/// `enc ‖ ct`: 32 bytes of encapsulated key, then the ciphertext with its tag of 16.
[[nodiscard]] Result<Bytes> hpke_seal(const OkpPublicKey& to, ByteView info, ByteView aad, ByteView plaintext,
                                      Random& random);
/// Errors: malformed when shorter than 48 bytes, unauthenticated when it does not open.
[[nodiscard]] Result<Bytes> hpke_open(const OkpPrivateKey& key, ByteView info, ByteView aad, ByteView sealed);

}  // namespace dd::crypto
