#include "libdd/local/token_keys.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd::local {
namespace {

/// ITA hashes the key's certificate; this service has none, so it hashes the key.
std::string kid_of(const crypto::RsaPrivateKey& key) {
  auto bytes = key.n();
  const auto exponent = key.e();
  bytes.insert(bytes.end(), exponent.begin(), exponent.end());
  return to_hex(crypto::sha384(bytes));
}

}  // namespace

void TokenKeys::add(crypto::RsaPrivateKey key, OldKeys old) {
  auto kid = kid_of(key);
  const std::lock_guard lock(mutex_);
  if (old == OldKeys::withdraw) entries_.clear();
  entries_.push_back({std::move(kid), std::move(key)});
}

bool TokenKeys::empty() const {
  const std::lock_guard lock(mutex_);
  return entries_.empty();
}

Json TokenKeys::key_set() const {
  const std::lock_guard lock(mutex_);
  auto keys = Json::array();
  for (const auto& entry : entries_)
    for (const auto algorithm : {crypto::Algorithm::ps384, crypto::Algorithm::rs256})
      keys.push_back({{"kty", "RSA"},
                      {"alg", crypto::to_string(algorithm)},
                      {"kid", entry.kid},
                      {"n", to_base64url(entry.key.n())},
                      {"e", to_base64url(entry.key.e())}});
  return {{"keys", std::move(keys)}};
}

std::string TokenKeys::sign(crypto::Algorithm algorithm, const std::string& jku, const Json& payload) const {
  const std::lock_guard lock(mutex_);
  const auto& newest = entries_.back();
  const Json header = {{"alg", crypto::to_string(algorithm)}, {"jku", jku}, {"kid", newest.kid}, {"typ", "JWT"}};
  return newest.key.sign_jws(algorithm, header, to_text(payload));
}

std::string TokenKeys::kid() const {
  const std::lock_guard lock(mutex_);
  return entries_.empty() ? std::string() : entries_.back().kid;
}

}  // namespace dd::local
