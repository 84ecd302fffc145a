// RSA keys for key sets, made once: making one takes a tenth of a second.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "libdd/crypto/jws.hpp"

namespace dd::test {

inline const crypto::RsaPrivateKey& first_key() {
  static const auto key = crypto::RsaPrivateKey::generate(2048);
  return key;
}
inline const crypto::RsaPrivateKey& second_key() {
  static const auto key = crypto::RsaPrivateKey::generate(2048);
  return key;
}

/// A good entry, to be spoilt.
inline nlohmann::json entry(const std::string& kid, const std::string& algorithm,
                            const crypto::RsaPrivateKey& key = first_key()) {
  return {{"kty", "RSA"},
          {"kid", kid},
          {"alg", algorithm},
          {"use", "sig"},
          {"n", to_base64url(key.n())},
          {"e", to_base64url(key.e())}};
}

inline std::string key_set(nlohmann::json entries) { return nlohmann::json{{"keys", std::move(entries)}}.dump(); }

}  // namespace dd::test
