// One-time links that sign a person in, for those who hold a credential in a terminal and want a browser.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "dd/bytes.hpp"
#include "dd/identity.hpp"
#include "dd/random.hpp"

namespace dd::identity {

/// Bounded; keeps hashes of the codes. Times are unix seconds. Not thread-safe.
class SignInLinks {
 public:
  static constexpr std::int64_t kLife = 600;

  explicit SignInLinks(Random& random) : random_(random) {}

  /// A code of 256 random bits for `person`. Errors: rate_limited when too many wait to be used.
  [[nodiscard]] Result<std::string> make(Principal person, std::int64_t now);
  /// Whom the code is for; it is used up. Errors: unauthenticated for any other code, and one that was used or has expired.
  [[nodiscard]] Result<Principal> use(std::string_view code, std::int64_t now);

 private:
  struct Link {
    Principal person;
    std::int64_t expires_at = 0;
  };

  Random& random_;
  std::map<Digest256, Link> links_;
};

}  // namespace dd::identity
