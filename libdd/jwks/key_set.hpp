// A JSON Web Key Set (RFC 7517) of RSA signature keys, read defensively. Free of Asio.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "libdd/crypto/jws.hpp"

namespace dd::jwks {

/// Keys by kid *and* algorithm: Intel publishes each key twice, and a key must not serve an algorithm that its entry does not name.
class KeySet {
 public:
  static constexpr std::size_t kMaxBytes = 1024 * 1024;
  static constexpr std::size_t kMaxKeys = 64;

  /// Skips entries that cannot be used: another kty or algorithm than RS256 and PS384, no kid, `use` other than "sig", `key_ops` without
  /// "verify", an unsafe modulus or exponent, an x5c whose leaf has another key or that is longer than 10. A kid that stands twice for one
  /// algorithm, or for two keys, is refused altogether. Errors: malformed when the document is no key set, has more than 64 entries or none to use.
  [[nodiscard]] static Result<KeySet> parse(std::string_view text);

  /// nullptr when there is none. Valid while this set lives.
  [[nodiscard]] const crypto::RsaPublicKey* find(const std::string& kid, crypto::Algorithm algorithm) const;
  [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }

 private:
  std::map<std::pair<std::string, crypto::Algorithm>, crypto::RsaPublicKey> keys_;
};

}  // namespace dd::jwks
