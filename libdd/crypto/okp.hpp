// Ed25519 signing keys and X25519 sealing keys (RFC 8032, RFC 7748), and their JWK form (RFC 8037).
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <nlohmann/json_fwd.hpp>

#include "dd/bytes.hpp"
#include "dd/random.hpp"

namespace dd::crypto {

enum class Curve { ed25519, x25519 };

/// A public key. Immutable value.
class OkpPublicKey {
 public:
  OkpPublicKey(Curve curve, Digest256 raw) : curve_(curve), raw_(raw) {}
  /// `{"crv","kty":"OKP","x"}`; other members are ignored, a private `d` is refused.
  [[nodiscard]] static Result<OkpPublicKey> from_jwk(const nlohmann::json& jwk, Curve want);

  [[nodiscard]] Curve curve() const noexcept { return curve_; }
  [[nodiscard]] const Digest256& raw() const noexcept { return raw_; }
  /// DER SubjectPublicKeyInfo, 44 bytes (RFC 8410).
  [[nodiscard]] Bytes spki() const;
  [[nodiscard]] nlohmann::json to_jwk() const;
  /// RFC 7638 SHA-256 thumbprint, base64url.
  [[nodiscard]] std::string kid() const;
  bool operator==(const OkpPublicKey&) const = default;

 private:
  Curve curve_;
  Digest256 raw_;
};

/// A private key; wiped when it goes. Move-only; const access is thread-safe.
class OkpPrivateKey {
 public:
  [[nodiscard]] static OkpPrivateKey generate(Curve curve, Random& random);
  /// From 32 raw bytes (test vectors).
  [[nodiscard]] static OkpPrivateKey from_raw(Curve curve, const Digest256& raw);
  OkpPrivateKey(OkpPrivateKey&&) noexcept = default;
  OkpPrivateKey& operator=(OkpPrivateKey&&) noexcept = default;
  OkpPrivateKey(const OkpPrivateKey&) = delete;
  OkpPrivateKey& operator=(const OkpPrivateKey&) = delete;
  ~OkpPrivateKey() = default;

  [[nodiscard]] const OkpPublicKey& public_key() const noexcept { return public_; }
  /// Ed25519 only.
  [[nodiscard]] Digest512 sign(ByteView message) const;
  /// X25519 only. Errors: invalid_argument when the result is all zero (a low-order peer key).
  [[nodiscard]] Result<Digest256> agree(const OkpPublicKey& peer) const;

 private:
  OkpPrivateKey(OkpPublicKey public_key, std::shared_ptr<void> key) : public_(public_key), key_(std::move(key)) {}
  OkpPublicKey public_;
  std::shared_ptr<void> key_;  // an EVP_PKEY: decoded once, wiped by OpenSSL
};

/// Ed25519; false for any other curve or a signature of another size.
[[nodiscard]] bool verify(const OkpPublicKey& key, ByteView message, ByteView signature);

}  // namespace dd::crypto
