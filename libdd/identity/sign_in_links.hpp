// One-time links that sign a person in, for those who hold a credential in a terminal and want a browser.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dd/bytes.hpp"
#include "dd/identity.hpp"
#include "dd/random.hpp"
#include "dd/secret.hpp"

namespace dd::identity {

/// What a sign-in rests on, and falls with.
struct SignInGrounds {
  Principal person;
  Secret token;  // GitHub's; empty where it was not kept, or where a session is the ground
  std::vector<std::string> from;  // the ids of that session and of those that it came from, the first one first
  std::optional<std::int64_t> ends_at;  // of that session
  std::optional<std::int64_t> issued_at = std::nullopt;  // the same
};

/// Bounded; keeps hashes of the codes. Times are unix seconds. Not thread-safe.
class SignInLinks {
 public:
  static constexpr std::int64_t kLife = 600;

  explicit SignInLinks(Random& random) : random_(random) {}

  /// A code of 256 random bits for whoever is signed in on these grounds. Errors: rate_limited when too many wait to be used.
  [[nodiscard]] Result<std::string> make(SignInGrounds grounds, std::int64_t now);
  /// What the code was made on; it is used up. Errors: unauthenticated for any other code, and one that was used or has expired.
  [[nodiscard]] Result<SignInGrounds> use(std::string_view code, std::int64_t now);

 private:
  struct Link {
    SignInGrounds grounds;
    std::int64_t expires_at = 0;
  };

  Random& random_;
  std::map<Digest256, Link> links_;
};

}  // namespace dd::identity
