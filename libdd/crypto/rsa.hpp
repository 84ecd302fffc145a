// RSA signatures of tokens: RS256 and PS384 (RFC 7518, 3.3 and 3.5).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "dd/bytes.hpp"
#include "libdd/crypto/algorithm.hpp"

namespace dd::crypto {

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

}  // namespace dd::crypto
