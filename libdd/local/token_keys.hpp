// The signing keys of the local attestation service and the key set that it publishes.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "libdd/crypto/jws.hpp"

namespace dd::local {

/// What becomes of the keys before the current one.
enum class OldKeys { keep, withdraw };

/// Signs with the newest key. Thread-safe.
class TokenKeys {
 public:
  /// No token can be signed before the first.
  void add(crypto::RsaPrivateKey key, OldKeys old);
  [[nodiscard]] bool empty() const;

  /// `{"keys":[…]}`: each key twice under one kid, for PS384 and for RS256, as ITA has it.
  [[nodiscard]] nlohmann::json key_set() const;
  /// A complete JWS. `jku` is advisory. There must be a key.
  [[nodiscard]] std::string sign(crypto::Algorithm algorithm, const std::string& jku,
                                 const nlohmann::json& payload) const;
  /// Of the newest key; 96 hex digits.
  [[nodiscard]] std::string kid() const;

 private:
  struct Entry {
    std::string kid;
    crypto::RsaPrivateKey key;
  };
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;  // the newest last
};

}  // namespace dd::local
