// Tokens that were verified, so that a poll that shows the same one again costs a hash instead of a signature.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "dd/bytes.hpp"
#include "dd/claims.hpp"

namespace dd::ita {

/// Keyed by SHA-256 of the whole token. An entry ends with its token's exp. Not thread-safe.
class TokenCache {
 public:
  explicit TokenCache(std::size_t limit) : limit_(limit) {}

  /// Nullptr when it is not known or has expired. Valid until the next call.
  [[nodiscard]] const TdxClaims* find(const Digest256& token, std::int64_t now) {
    const auto entry = entries_.find(token);
    if (entry == entries_.end()) return nullptr;
    if (now < entry->second.expires_at) return &entry->second;
    entries_.erase(entry);
    return nullptr;
  }

  /// When full, whatever expires first makes room.
  void put(const Digest256& token, TdxClaims claims) {
    if (limit_ == 0) return;
    if (entries_.size() >= limit_ && !entries_.contains(token))
      entries_.erase(std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second.expires_at; }));
    entries_.insert_or_assign(token, std::move(claims));
  }

 private:
  std::size_t limit_;
  std::map<Digest256, TdxClaims> entries_;
};

}  // namespace dd::ita
