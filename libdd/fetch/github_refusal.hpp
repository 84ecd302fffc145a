// What an answer other than 200 means for a download.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "dd/http.hpp"

namespace dd::fetch {

/// Never 200. `what` begins the message; `with_token` decides which advice helps. Errors: unauthenticated, permission_denied, not_found,
/// rate_limited, unavailable (5xx), upstream.
[[nodiscard]] Error refusal(const HttpResponse& response, const std::string& what, bool with_token);

/// How long the answer asks to wait, when it says so in seconds.
[[nodiscard]] std::optional<std::chrono::seconds> retry_after(const HttpResponse& response);

}  // namespace dd::fetch
