// RFC 8785: the one text of a JSON value that is hashed or signed.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "dd/error.hpp"

namespace dd::crypto {

/// Members sorted by UTF-16 code units, shortest escapes, no white space. Errors: invalid_argument for a number that is not an integer within
/// ±(2^53−1) (our protocols have no others) and for text that is not UTF-8.
[[nodiscard]] Result<std::string> canonical_json(const nlohmann::json& value);

}  // namespace dd::crypto
