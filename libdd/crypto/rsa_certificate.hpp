// The RSA key of a certificate, for key sets that carry both.
#pragma once

#include "libdd/crypto/rsa.hpp"

namespace dd::crypto {

/// Exactly one DER certificate with an RSA key; nothing else about it is looked at. Errors: malformed; as RsaPublicKey::from_components.
[[nodiscard]] Result<RsaPublicKey> rsa_key_of_certificate(ByteView der);

}  // namespace dd::crypto
