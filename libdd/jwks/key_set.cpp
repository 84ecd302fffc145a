#include "libdd/jwks/key_set.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/crypto/rsa_certificate.hpp"

namespace dd::jwks {
namespace {

constexpr std::size_t kMaxChain = 10;
constexpr std::size_t kMaxKid = 256;

struct Entry {
  std::string kid;
  crypto::Algorithm algorithm;
  crypto::RsaPublicKey key;
};

/// "" when the member is missing or no text.
std::string text(const Json& entry, const char* name) {
  const auto at = entry.find(name);
  return at != entry.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::optional<crypto::Algorithm> algorithm_of(const Json& entry) {
  const auto name = text(entry, "alg");
  for (const auto algorithm : {crypto::Algorithm::rs256, crypto::Algorithm::ps384})
    if (name == crypto::to_string(algorithm)) return algorithm;
  return std::nullopt;
}

/// RFC 7517, 4.2 and 4.3: both may be missing.
bool is_for_signatures(const Json& entry) {
  if (entry.contains("use") && text(entry, "use") != "sig") return false;
  const auto operations = entry.find("key_ops");
  return operations == entry.end() ||
         (operations->is_array() && std::ranges::find(*operations, Json("verify")) != operations->end());
}

bool agrees_with_chain(const Json& entry, const crypto::RsaPublicKey& key) {
  const auto chain = entry.find("x5c");
  if (chain == entry.end()) return true;
  if (!chain->is_array() || chain->empty() || chain->size() > kMaxChain || !chain->front().is_string()) return false;
  const auto der = from_base64(chain->front().get<std::string>());
  if (!der) return false;
  const auto leaf = crypto::rsa_key_of_certificate(*der);
  return leaf && *leaf == key;
}

std::optional<Entry> read_entry(const Json& entry) {
  if (!entry.is_object() || text(entry, "kty") != "RSA" || !is_for_signatures(entry)) return std::nullopt;
  auto kid = text(entry, "kid");
  const auto algorithm = algorithm_of(entry);
  if (kid.empty() || kid.size() > kMaxKid || !algorithm) return std::nullopt;
  const auto n = from_base64url(text(entry, "n"));
  const auto e = from_base64url(text(entry, "e"));
  if (!n || !e) return std::nullopt;
  auto key = crypto::RsaPublicKey::from_components(*n, *e);
  if (!key || !agrees_with_chain(entry, *key)) return std::nullopt;
  return Entry{std::move(kid), *algorithm, *std::move(key)};
}

tl::unexpected<Error> refuse(const std::string& why) {
  return fail(ErrorCode::malformed, "cannot read key set: " + why);
}

/// One kid is one key, once for each algorithm.
bool contradicts(const Entry& a, const Entry& b) {
  return a.kid == b.kid && (a.algorithm == b.algorithm || !(a.key == b.key));
}

}  // namespace

Result<KeySet> KeySet::parse(std::string_view text) {
  const auto document = parse_json(text, {kMaxBytes, 32});
  if (!document) return wrap(document.error(), "cannot read key set");
  const auto keys = document->find("keys");
  if (!document->is_object() || keys == document->end() || !keys->is_array()) return refuse("no array \"keys\"");
  if (keys->size() > kMaxKeys)
    return refuse(std::to_string(keys->size()) + " keys, want at most " + std::to_string(kMaxKeys));

  std::vector<Entry> entries;
  for (const auto& value : *keys)
    if (auto entry = read_entry(value)) entries.push_back(*std::move(entry));
  std::set<std::string> refused;
  for (std::size_t i = 0; i < entries.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (contradicts(entries[i], entries[j])) refused.insert(entries[i].kid);

  KeySet set;
  for (auto& entry : entries)
    if (!refused.contains(entry.kid)) set.keys_.emplace(std::pair(entry.kid, entry.algorithm), std::move(entry.key));
  if (set.keys_.empty()) return refuse("none of its " + std::to_string(keys->size()) + " keys can be used");
  return set;
}

const crypto::RsaPublicKey* KeySet::find(const std::string& kid, crypto::Algorithm algorithm) const {
  const auto at = keys_.find(std::pair(kid, algorithm));
  return at == keys_.end() ? nullptr : &at->second;
}

}  // namespace dd::jwks
