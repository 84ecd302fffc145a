// What may be used once: the ids of hand-offs, sign-in links and sessions that were signed out.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "dd/error.hpp"

namespace dd::identity {

/// Remembers ids until they expire by themselves. Bounded: nothing that could still be used again is ever forgotten, so a full set refuses.
/// Times are unix seconds; a clock that was set back does not bring an id back. Not thread-safe.
class SpentIds {
 public:
  explicit SpentIds(std::size_t most) : most_(most) {}

  /// Errors: unauthenticated, reason replayed, at the second use and for an id that has expired; unavailable when the set is full.
  [[nodiscard]] Result<void> spend(std::string_view id, std::int64_t expires_at, std::int64_t now);
  [[nodiscard]] bool contains(std::string_view id) const { return spent_.contains(id); }

 private:
  std::size_t most_;
  std::int64_t latest_ = 0;
  std::map<std::string, std::int64_t, std::less<>> spent_;  // id → when it expires
};

}  // namespace dd::identity
