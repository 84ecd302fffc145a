#include "libdd/identity/github_answer.hpp"

#include <algorithm>
#include <string>

#include <nlohmann/json.hpp>

#include "dd/clock.hpp"
#include "libdd/core/decimal.hpp"
#include "libdd/core/json.hpp"
#include "libdd/net/ascii.hpp"
#include "libdd/net/retry_after.hpp"

namespace dd::identity {
namespace {

constexpr std::size_t kLongestReason = 200;
constexpr std::chrono::seconds kUsualWait{60};
constexpr std::chrono::seconds kLongestWait{3600};

/// GitHub's own `message`, fit for a log line; empty when there is none.
std::string reason_of(const HttpResponse& response) {
  const auto body = parse_json(response.body);
  if (!body || !body->is_object()) return {};
  const auto member = body->find("message");
  const auto* text = member == body->end() ? nullptr : member->get_ptr<const std::string*>();
  if (text == nullptr) return {};
  std::string out;
  for (const char c : text->substr(0, kLongestReason)) out += net::is_control(c) ? ' ' : c;
  return out;
}

/// Exhausted and secondary limits come as 403 or 429; the secondary one may carry no header at all.
bool is_rate_limit(const HttpResponse& response, const std::string& reason) {
  if (response.status == 429) return true;
  if (response.status != 403) return false;
  const auto* remaining = response.headers.find("x-ratelimit-remaining");
  return (remaining != nullptr && *remaining == "0") || response.headers.find("retry-after") != nullptr ||
         net::to_lower(reason).find("rate limit") != std::string::npos;
}

/// Its own word, else the time at which the limit is lifted, else what GitHub's guide says of secondary limits.
std::chrono::seconds wait_of(const HttpResponse& response) {
  auto wait = net::retry_after(response.headers);
  const auto* lifted = response.headers.find("x-ratelimit-reset");
  if (!wait && lifted != nullptr)
    if (const auto at = decimal<std::int64_t>(*lifted))
      wait = std::chrono::seconds(*at - system_clock().unix_seconds());
  return std::clamp(wait.value_or(kUsualWait), std::chrono::seconds(1), kLongestWait);
}

tl::unexpected<Error> limited(const HttpResponse& response, const std::string& context) {
  Error error{ErrorCode::unavailable, {}};
  error.retry_after = wait_of(response);
  error.message =
      context + "GitHub limits our requests; try again in " + std::to_string(error.retry_after.count()) + " s";
  return tl::unexpected(std::move(error));
}

std::string denial(const HttpResponse& response, const std::string& reason) {
  auto out = "GitHub answered " + std::to_string(response.status) + (reason.empty() ? "" : " (" + reason + ")");
  if (response.headers.find("x-github-sso") != nullptr)
    out += "; the token must be authorised for the organisation's single sign-on";
  return out;
}

}  // namespace

Result<Json> read_github_answer(const HttpResponse& response, std::string_view call) {
  const auto context = "cannot check token with " + std::string(call) + ": ";
  if (response.status == 200) {
    auto body = parse_json(response.body);
    if (!body) return fail(ErrorCode::upstream, context + "GitHub's answer is no JSON");
    return body;
  }
  const auto reason = reason_of(response);
  if (is_rate_limit(response, reason)) return limited(response, context);
  if (response.status == 401) return fail(ErrorCode::unauthenticated, context + "GitHub does not know this token");
  if (response.status == 403 || response.status == 404)
    return fail(ErrorCode::permission_denied, context + denial(response, reason));
  const auto code = response.status >= 500 ? ErrorCode::unavailable : ErrorCode::upstream;
  return fail(code, context + "GitHub answered " + std::to_string(response.status));
}

}  // namespace dd::identity
