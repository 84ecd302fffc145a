#include "libdd/identity/cookie.hpp"

#include <algorithm>
#include <array>

#include "dd/bytes.hpp"
#include "libdd/net/ascii.hpp"
#include "libdd/net/url.hpp"

namespace dd::identity {
namespace {

constexpr std::string_view kPrefix = "__Host-";
constexpr std::string_view kLocal = ".localhost";
constexpr char kBeforeMark = '.';
constexpr std::size_t kMarkBytes = 6;
constexpr std::size_t kMarkText = 8;  // in base64url

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

Result<Cookies> Cookies::of_origin(std::string_view origin) {
  const auto url = net::parse_url(origin);
  if (!url) return wrap(url.error(), "cannot set cookies");
  if (url->scheme == "https") return Cookies(Form::host_prefix, url->host);
  if (url->host.size() > kLocal.size() && url->host.ends_with(kLocal)) return Cookies(Form::plain, url->host);
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

std::vector<std::string> Cookies::clear_planted(std::string_view name) const {
  std::vector<std::string> values = {clear(name)};
  // Nobody but the host itself can set one with our prefix.
  if (form_ == Form::host_prefix) return values;
  for (auto domain = host_; domain.find('.') != std::string::npos; domain.erase(0, domain.find('.') + 1))
    values.push_back(clear(name) + "; Domain=" + domain);
  return values;
}

std::vector<FoundCookie> Cookies::find_all(const HttpHeaders& headers, std::string_view name) const {
  const auto wanted = full_name(name);
  std::vector<FoundCookie> found;
  for (const auto& [header, value] : headers.all()) {
    if (!net::same_ignoring_case(header, "Cookie")) continue;
    for (std::string_view rest = value; !rest.empty() && found.size() < kMostCookies;) {
      const auto end = std::min(rest.find(';'), rest.size());
      const auto pair = trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const auto equals = pair.find('=');
      if (equals == std::string_view::npos) continue;
      const auto its = trim(pair.substr(0, equals));
      if (its != wanted && !is_fresh_name(its, wanted)) continue;
      const auto prefix = wanted.size() - name.size();
      found.push_back({std::string(its.substr(prefix)), std::string(trim(pair.substr(equals + 1)))});
    }
  }
  return found;
}

std::string fresh_name(std::string_view name, Random& random) {
  std::array<std::byte, kMarkBytes> mark{};
  random.fill(mark);
  return std::string(name) + kBeforeMark + to_base64url(mark);
}

bool is_fresh_name(std::string_view found, std::string_view name) {
  return found.size() == name.size() + 1 + kMarkText && found.starts_with(name) && found[name.size()] == kBeforeMark;
}

}  // namespace dd::identity
