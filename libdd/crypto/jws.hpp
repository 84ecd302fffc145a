// Compact JWS (RFC 7515): taken apart once, strictly, then verified against one key with one algorithm.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dd/bytes.hpp"
#include "libdd/crypto/okp.hpp"

namespace dd::crypto {

/// The algorithms that any issuer of ours may use; each issuer names its own subset.
enum class Algorithm { eddsa, rs256, ps384 };
[[nodiscard]] std::string_view to_string(Algorithm algorithm) noexcept;

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
/// `kid` present, and refuses `crit`, `b64`, `zip`, `cty`. `jku`, `x5u`, `jwk`, `x5c` are ignored (docs: attestation rules for JWS).
/// Errors: malformed; unauthenticated for a forbidden algorithm or header.
[[nodiscard]] Result<ParsedJws> parse_jws(std::string_view compact, std::initializer_list<Algorithm> allowed, std::size_t max_bytes = 64 * 1024);

/// An RSA public key for RS256 and PS384.
class RsaPublicKey {
 public:
  /// From JWK `n` and `e`. Errors: invalid_argument under 2048 or over 8192 bits, e < 3 or even.
  [[nodiscard]] static Result<RsaPublicKey> from_components(ByteView n, ByteView e);
  [[nodiscard]] bool operator==(const RsaPublicKey& other) const { return n_ == other.n_ && e_ == other.e_; }
  /// PS384 demands MGF1-SHA-384 and salt 48; the signature must have exactly the modulus' length.
  [[nodiscard]] bool verify(Algorithm algorithm, ByteView message, ByteView signature) const;

 private:
  RsaPublicKey() = default;
  Bytes n_;
  Bytes e_;
  std::shared_ptr<void> key_;
};

/// An RSA key pair, for the local attestation service and for tests.
class RsaPrivateKey {
 public:
  [[nodiscard]] static RsaPrivateKey generate(int bits);
  [[nodiscard]] Bytes sign(Algorithm algorithm, ByteView message) const;
  [[nodiscard]] Bytes n() const;
  [[nodiscard]] Bytes e() const;
  /// base64url signature appended: a complete compact JWS.
  [[nodiscard]] std::string sign_jws(Algorithm algorithm, const nlohmann::json& header, std::string_view payload) const;

 private:
  std::shared_ptr<void> key_;
};

/// A complete EdDSA JWS with header {alg, kid, typ}.
[[nodiscard]] std::string sign_jws(const OkpPrivateKey& key, std::string_view typ, const nlohmann::json& claims);

}  // namespace dd::crypto
