// Makes X.509 certificates on P-256: the simulator's chain, and broken chains for tests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "libdd/crypto/ec_key.hpp"
#include "libdd/crypto/x509.hpp"

namespace dd::crypto {

/// What a new certificate says.
struct CertificateTerms {
  std::string common_name;
  std::int64_t not_before = 0;  // seconds since 1970-01-01T00:00:00Z
  std::int64_t not_after = 0;
  /// A CA with this many CAs below it; an end certificate when there is none.
  std::optional<int> path_length = std::nullopt;
};

/// Issues certificates in the name of one CA. The serial is random; subject and authority key ids are set.
class CertificateBuilder {
 public:
  /// Both are copied. Nothing checks that the key is the certificate's: a test may want a chain that does not verify.
  CertificateBuilder(const Certificate& issuer, const EcPrivateKey& issuer_key) : issuer_(issuer), key_(issuer_key) {}

  /// Errors: invalid_argument when OpenSSL does not take a term (a name over 64 bytes).
  [[nodiscard]] static Result<Certificate> self_signed(const CertificateTerms& terms, const EcPrivateKey& key);
  /// Errors: as self_signed.
  [[nodiscard]] Result<Certificate> issue(const CertificateTerms& terms, const EcPublicKey& subject) const;

 private:
  [[nodiscard]] static Result<Certificate> make(const CertificateTerms& terms, const EcPublicKey& subject,
                                                const Certificate* issuer, const EcPrivateKey& issuer_key);
  Certificate issuer_;
  EcPrivateKey key_;
};

}  // namespace dd::crypto
