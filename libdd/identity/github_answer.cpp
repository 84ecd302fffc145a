#include "libdd/identity/github_answer.hpp"

#include <string>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/net/ascii.hpp"

namespace dd::identity {
namespace {

constexpr std::size_t kLongestReason = 200;

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

std::string retry_hint(const HttpResponse& response) {
  const auto* after = response.headers.find("retry-after");
  if (after == nullptr || after->empty() || after->size() > 6 || !std::ranges::all_of(*after, net::is_digit)) return {};
  return ", asks to wait " + *after + " s";
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
  if (is_rate_limit(response, reason))
    return fail(ErrorCode::unavailable, context + "GitHub limits our requests" + retry_hint(response));
  if (response.status == 401) return fail(ErrorCode::unauthenticated, context + "GitHub does not know this token");
  if (response.status == 403 || response.status == 404)
    return fail(ErrorCode::permission_denied, context + denial(response, reason));
  const auto code = response.status >= 500 ? ErrorCode::unavailable : ErrorCode::upstream;
  return fail(code, context + "GitHub answered " + std::to_string(response.status));
}

}  // namespace dd::identity
