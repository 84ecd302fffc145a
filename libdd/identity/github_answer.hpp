// What an answer of GitHub's REST API means to someone who asks whether a token is good.
#pragma once

#include <cstdint>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "dd/http.hpp"

namespace dd::identity {

/// Ids are read from JSON, whose integers are exact up to there.
inline constexpr std::int64_t kLargestGithubId = (std::int64_t{1} << 53) - 1;

/// The JSON of a 200. `call` names the request in messages ("GET /user").
/// Errors: unauthenticated (401), permission_denied (403 and 404: GitHub hides what one may not see), unavailable (5xx, and 403 or 429 that are rate
/// limits: they say nothing about the token, and `retry_after` is set), upstream (anything else, or no JSON).
[[nodiscard]] Result<nlohmann::json> read_github_answer(const HttpResponse& response, std::string_view call);

}  // namespace dd::identity
