// Cross-site request forgery: a browser adds our cookie to requests that other pages make, and names the page's origin.
#pragma once

#include <string_view>

#include "dd/http.hpp"

namespace dd::identity {

/// False for GET and HEAD, which change nothing.
[[nodiscard]] bool changes_state(std::string_view method) noexcept;

/// That the page which made the request is of `origin`, compared exactly. Errors: permission_denied, reason origin_mismatch, for a request without
/// Origin, with two, with "null" and from any other one: a sibling host (a workload's) is same-site, so SameSite does not keep it out.
[[nodiscard]] Result<void> check_request_origin(const HttpHeaders& headers, std::string_view origin);

}  // namespace dd::identity
