#include "libdd/identity/cookie.hpp"

#include "libdd/net/ascii.hpp"
#include "libdd/net/url.hpp"

namespace dd::identity {
namespace {

constexpr std::string_view kPrefix = "__Host-";
constexpr std::string_view kLocal = ".localhost";

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

Result<Cookies> Cookies::of_origin(std::string_view origin) {
  const auto url = net::parse_url(origin);
  if (!url) return wrap(url.error(), "cannot set cookies");
  if (url->scheme == "https") return Cookies(Form::host_prefix);
  if (url->host.size() > kLocal.size() && url->host.ends_with(kLocal)) return Cookies(Form::plain);
  return fail(ErrorCode::unsupported,
              "cannot sign in at " + url->origin() + ": want https, or http on a host that ends in .localhost");
}

std::string Cookies::full_name(std::string_view name) const {
  return std::string(form_ == Form::host_prefix ? kPrefix : "").append(name);
}

std::string Cookies::set(std::string_view name, std::string_view value, std::chrono::seconds life,
                         CookieReach reach) const {
  auto out = full_name(name).append("=").append(value) + "; Path=/; HttpOnly";
  if (form_ == Form::host_prefix) out += "; Secure";
  // Without Secure a browser takes SameSite=None for a mistake; the hosts below .localhost are one site anyway.
  out += form_ == Form::host_prefix && reach == CookieReach::any_site ? "; SameSite=None" : "; SameSite=Lax";
  return out + "; Max-Age=" + std::to_string(life.count());
}

std::string Cookies::clear(std::string_view name, CookieReach reach) const {
  return set(name, "", std::chrono::seconds(0), reach);
}

Result<std::optional<std::string>> Cookies::find(const HttpHeaders& headers, std::string_view name) const {
  const auto wanted = full_name(name);
  std::optional<std::string> found;
  for (const auto& [header, value] : headers.all()) {
    if (!net::same_ignoring_case(header, "Cookie")) continue;
    for (std::string_view rest = value; !rest.empty();) {
      const auto end = std::min(rest.find(';'), rest.size());
      const auto pair = trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const auto equals = pair.find('=');
      if (equals == std::string_view::npos || trim(pair.substr(0, equals)) != wanted) continue;
      if (found)
        return fail(ErrorCode::unauthenticated,
                    "cannot read cookie " + wanted + ": sent twice, so one of them is not ours");
      found = trim(pair.substr(equals + 1));
    }
  }
  return found;
}

}  // namespace dd::identity
