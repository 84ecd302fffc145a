// What an answer other than 200 means for a download.
#pragma once

#include <string>

#include "dd/http.hpp"

namespace dd::fetch {

/// Never 200. `what` begins the message; `with_token` decides which advice helps. Errors: unauthenticated, permission_denied, not_found,
/// rate_limited, unavailable (5xx), upstream.
[[nodiscard]] Error refusal(const HttpResponse& response, const std::string& what, bool with_token);

}  // namespace dd::fetch
