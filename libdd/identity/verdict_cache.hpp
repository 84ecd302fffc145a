// What is known of a token, for a while: good ones and refused ones apart, so that a flood of bad tokens cannot push out a good one.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>

#include "dd/bytes.hpp"
#include "dd/identity.hpp"

namespace dd::identity {

struct VerdictCacheOptions {
  std::chrono::seconds positive{300};
  std::chrono::seconds negative{60};
  std::size_t limit = 1024;  // of each kind
};

/// Keyed by a keyed hash, so that its memory holds no token. Not thread-safe.
class VerdictCache {
 public:
  explicit VerdictCache(VerdictCacheOptions options) : options_(options) {}

  [[nodiscard]] std::optional<Result<Principal>> find(const Digest256& key, std::int64_t now_ms);
  /// Keeps a principal, a refusal that is about the token (unauthenticated, permission_denied), and until then that another try makes no sense before
  /// `retry_after`: GitHub counts against the token. Other failures pass and are not kept.
  void put(const Digest256& key, const Result<Principal>& verdict, std::int64_t now_ms);

 private:
  template <class T>
  struct Entry {
    T value;
    std::int64_t expires_ms = 0;
  };
  template <class T>
  using Entries = std::map<Digest256, Entry<T>>;

  template <class T>
  const T* find_in(Entries<T>& entries, const Digest256& key, std::int64_t now_ms);
  template <class T>
  void put_in(Entries<T>& entries, const Digest256& key, const T& value, std::int64_t now_ms,
              std::chrono::seconds life);

  VerdictCacheOptions options_;
  Entries<Principal> accepted_;
  Entries<Error> refused_;
};

}  // namespace dd::identity
