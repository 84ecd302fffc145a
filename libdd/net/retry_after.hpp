// When a server says that it may be asked again.
#pragma once

#include <chrono>
#include <optional>

#include "dd/http.hpp"

namespace dd::net {

/// The header `Retry-After` (RFC 9110, 10.2.3): seconds, or a date, which is taken from the answer's own `Date` where it has one, else from this
/// machine's clock; 0 when that has passed. None when it is missing, or makes no sense. A day at most.
[[nodiscard]] std::optional<std::chrono::seconds> retry_after(const HttpHeaders& headers);

}  // namespace dd::net
