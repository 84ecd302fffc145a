#include "libdd/fetch/github_refusal.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/net/ascii.hpp"
#include "libdd/net/retry_after.hpp"

namespace dd::fetch {
namespace {

constexpr std::size_t kLongestReason = 200;

/// GitHub's own `message` in brackets, on one line; empty when there is none.
std::string reason_of(const HttpResponse& response) {
  const auto body = parse_json(response.body);
  const auto* text = body && body->is_object() && body->contains("message")
                         ? body->at("message").get_ptr<const std::string*>()
                         : nullptr;
  if (text == nullptr || text->empty()) return {};
  std::string out = " (";
  for (const char c : text->substr(0, kLongestReason)) out += net::is_control(c) ? ' ' : c;
  return out + ")";
}

/// An exhausted quota and a secondary limit come as 403 or 429; the secondary one may carry no header at all.
bool is_rate_limit(const HttpResponse& response, const std::string& reason) {
  if (response.status == 429) return true;
  if (response.status != 403) return false;
  const auto* remaining = response.headers.find("x-ratelimit-remaining");
  return (remaining != nullptr && *remaining == "0") || net::retry_after(response.headers) ||
         net::to_lower(reason).find("rate limit") != std::string::npos;
}

}  // namespace

Error refusal(const HttpResponse& response, const std::string& what, bool with_token) {
  const auto reason = reason_of(response);
  const auto says = what + ": GitHub answers " + std::to_string(response.status) + reason;
  if (is_rate_limit(response, reason))
    return {ErrorCode::rate_limited,
            what + ": GitHub limits our requests" + reason + (with_token ? "" : "; EE_GITHUB_TOKEN raises the limit")};
  if (response.status == 401) return {ErrorCode::unauthenticated, what + ": GitHub does not know EE_GITHUB_TOKEN"};
  if (response.status == 404)
    return {ErrorCode::not_found, says + ": there is no such release, or it is private and " +
                                      (with_token ? "EE_GITHUB_TOKEN may not read it" : "needs EE_GITHUB_TOKEN")};
  if (response.status == 403) return {ErrorCode::permission_denied, says};
  return {response.status >= 500 ? ErrorCode::unavailable : ErrorCode::upstream, says};
}

}  // namespace dd::fetch
