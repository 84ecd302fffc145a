// ECDSA on P-256 with SHA-256: what TDX quotes and the certificates under them are signed with. Signatures and points are raw big-endian
// pairs, r‖s and x‖y of 32 bytes each, as a quote has them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "dd/bytes.hpp"

namespace dd::crypto {

/// Immutable value; copies share the decoded key. Thread-safe.
class EcPublicKey {
 public:
  /// Errors: invalid_argument when x‖y is not on the curve.
  [[nodiscard]] static Result<EcPublicKey> from_point(const Digest512& point);

  /// x‖y.
  [[nodiscard]] const Digest512& point() const noexcept { return point_; }
  /// r and s must be in [1, n−1]. A high s is as good as a low one, so a signature is no identity.
  [[nodiscard]] bool verify(ByteView message, const Digest512& signature) const;
  bool operator==(const EcPublicKey& other) const { return point_ == other.point_; }

 private:
  friend class Certificate;
  friend class CertificateBuilder;
  EcPublicKey(const Digest512& point, std::shared_ptr<void> key) : point_(point), key_(std::move(key)) {}
  /// `key` is an EVP_PKEY. Errors: unsupported when it is not on P-256.
  [[nodiscard]] static Result<EcPublicKey> from_pkey(std::shared_ptr<void> key);

  Digest512 point_;
  std::shared_ptr<void> key_;
};

/// A key pair, for the simulator and for tests. OpenSSL wipes it with its last copy.
class EcPrivateKey {
 public:
  [[nodiscard]] static EcPrivateKey generate();
  /// PKCS #8, unencrypted. Errors: malformed; unsupported for a key that is not on P-256.
  [[nodiscard]] static Result<EcPrivateKey> from_pem(std::string_view pem);

  [[nodiscard]] std::string to_pem() const;
  [[nodiscard]] const EcPublicKey& public_key() const noexcept { return public_; }
  /// r‖s.
  [[nodiscard]] Digest512 sign(ByteView message) const;

 private:
  friend class CertificateBuilder;
  EcPrivateKey(EcPublicKey public_key, std::shared_ptr<void> key)
      : public_(std::move(public_key)), key_(std::move(key)) {}

  EcPublicKey public_;
  std::shared_ptr<void> key_;
};

}  // namespace dd::crypto
