// Compact JWS (RFC 7515): taken apart once, strictly, then verified against one key with one algorithm.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "dd/bytes.hpp"
#include "libdd/crypto/algorithm.hpp"
#include "libdd/crypto/okp.hpp"
#include "libdd/crypto/rsa.hpp"

namespace dd::crypto {

/// A JWS taken apart. Nothing in it is believed before verify_*.
struct ParsedJws {
  Algorithm algorithm = Algorithm::eddsa;
  std::string kid;   // never empty, ≤ 256 bytes, only ever a map key
  std::string typ;   // "" when absent
  std::size_t header_size = 0;  // members
  std::string signing_input;
  Bytes signature;
  std::string payload;                        // the exact JSON text
  std::shared_ptr<const nlohmann::json> claims;  // strict parse of payload; an object
};

/// Checks size (`max_bytes`; header 8 KiB), three non-empty strict base64url segments, strict JSON objects, `alg` exactly one of `allowed`,
/// `kid` present, and refuses `crit`, `b64`, `zip`, `cty`. `jku`, `x5u`, `jwk`, `x5c` are ignored (RFC 7515, 4.1; RFC 8725).
/// Errors: too_large; malformed; unauthenticated for a forbidden algorithm or header.
[[nodiscard]] Result<ParsedJws> parse_jws(std::string_view compact, std::initializer_list<Algorithm> allowed,
                                          std::size_t max_bytes = 64 * 1024);

/// A complete EdDSA JWS with header {alg, kid, typ}.
[[nodiscard]] std::string sign_jws(const OkpPrivateKey& key, std::string_view typ, const nlohmann::json& claims);

}  // namespace dd::crypto
