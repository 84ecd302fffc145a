#include "libdd/net/redirect.hpp"

#include <algorithm>
#include <array>

#include "libdd/net/ascii.hpp"
#include "libdd/net/url.hpp"

namespace dd::net {
namespace {

constexpr std::array kHarmless = {std::string_view("Accept"), std::string_view("Accept-Language"),
                                  std::string_view("Content-Type"), std::string_view("User-Agent"),
                                  std::string_view("X-Request-Id")};

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool is_harmless(std::string_view name) {
  return std::ranges::any_of(kHarmless, [&](std::string_view harmless) { return same_ignoring_case(harmless, name); });
}

HttpHeaders harmless_only(const HttpHeaders& headers) {
  HttpHeaders kept;
  for (const auto& [name, value] : headers.all())
    if (is_harmless(name)) kept.add(name, value);
  return kept;
}

/// RFC 9110, 15.4.2 to 15.4.4: 303 always, 301 and 302 by custom for POST.
bool becomes_get(int status, const std::string& method) {
  if (method == "GET" || method == "HEAD") return false;
  return status == 303 || ((status == 301 || status == 302) && method == "POST");
}

}  // namespace

std::optional<HttpRequest> follow_redirect(const HttpRequest& request, const HttpResponse& response) {
  const auto* location = response.headers.find("Location");
  if (!is_redirect(response.status) || !location || request.max_redirects <= 0) return std::nullopt;
  const auto from = parse_url(request.url);
  if (!from) return std::nullopt;
  const auto to = resolve_url(*from, *location);
  if (!to || (from->scheme == "https" && to->scheme == "http")) return std::nullopt;

  HttpRequest next = request;
  next.url = to->text();
  --next.max_redirects;
  if (to->origin() != from->origin()) next.headers = harmless_only(request.headers);
  if (becomes_get(response.status, request.method)) {
    next.method = "GET";
    next.body.clear();
    next.headers.remove("Content-Type");
  }
  return next;
}

}  // namespace dd::net
