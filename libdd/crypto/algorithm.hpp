// The signature algorithms of JWS (RFC 7518, RFC 8037) that libdd knows. No symmetric one, and no "none".
#pragma once

#include <string_view>

namespace dd::crypto {

/// The algorithms that any issuer of ours may use; each issuer names its own subset.
enum class Algorithm { eddsa, rs256, ps384 };
[[nodiscard]] std::string_view to_string(Algorithm algorithm) noexcept;

}  // namespace dd::crypto
