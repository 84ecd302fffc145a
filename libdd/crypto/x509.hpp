// X.509 certificates as the chain under a quote has them: P-256 keys, ecdsa-with-SHA256. Parsed, and checked one link at a time by who
// knows what the link means; there is no trust store and no path building here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dd/bytes.hpp"
#include "libdd/crypto/ec_key.hpp"

namespace dd::crypto {

/// Immutable value; copies share the parsed form. Thread-safe.
class Certificate {
 public:
  /// Exactly one DER certificate. Errors: malformed.
  [[nodiscard]] static Result<Certificate> from_der(ByteView der);

  [[nodiscard]] const Bytes& der() const noexcept { return der_; }
  [[nodiscard]] std::string to_pem() const;
  /// "" when there is none, or more than one.
  [[nodiscard]] const std::string& common_name() const noexcept { return common_name_; }
  /// Both ends are inside, in seconds since 1970-01-01T00:00:00Z.
  [[nodiscard]] std::int64_t not_before() const noexcept { return not_before_; }
  [[nodiscard]] std::int64_t not_after() const noexcept { return not_after_; }
  /// Basic constraints say CA, and key usage (where present) allows to sign certificates.
  [[nodiscard]] bool is_ca() const noexcept { return ca_; }
  /// How many CAs may follow below this one; none when unlimited or no CA.
  [[nodiscard]] std::optional<int> path_length() const noexcept { return path_length_; }
  /// Errors: unsupported when the key is not on P-256.
  [[nodiscard]] Result<EcPublicKey> public_key() const;

  /// The issuer's name is `issuer`'s subject, the algorithm is ecdsa-with-SHA256 inside and outside, and `issuer`'s key made the signature.
  [[nodiscard]] bool issued_by(const Certificate& issuer) const;

 private:
  friend class CertificateBuilder;
  friend Result<std::vector<Certificate>> certificates_from_pem(std::string_view pem, std::size_t most);
  explicit Certificate(std::shared_ptr<void> x509);

  std::shared_ptr<void> x509_;
  Bytes der_;
  std::string common_name_;
  std::int64_t not_before_ = 0;
  std::int64_t not_after_ = 0;
  bool ca_ = false;
  std::optional<int> path_length_;
};

/// The certificates of a PEM text in order, at most `most` of them. LF, CRLF and a NUL at the end are fine; text between blocks is ignored.
/// Errors: malformed for a broken block, a block of another kind, none or too many.
[[nodiscard]] Result<std::vector<Certificate>> certificates_from_pem(std::string_view pem, std::size_t most);

}  // namespace dd::crypto
