// What a browser keeps for us on the way through a sign-in, so that we need no memory for strangers: readable to it, and not alterable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "dd/bytes.hpp"
#include "dd/random.hpp"

namespace dd::identity {

/// One object per purpose: the key is its own and dies with the process, so what it protected is worth nothing after a restart.
class CookieMac {
 public:
  explicit CookieMac(Random& random);

  /// base64url(JSON) "." base64url(HMAC-SHA-256). `value` is an object without "exp".
  [[nodiscard]] std::string protect(nlohmann::json value, std::int64_t expires_at) const;
  /// The object, "exp" included. Errors: unauthenticated when we did not make it, or it has expired.
  [[nodiscard]] Result<nlohmann::json> read(std::string_view text, std::int64_t now) const;

 private:
  Digest256 key_{};
};

}  // namespace dd::identity
