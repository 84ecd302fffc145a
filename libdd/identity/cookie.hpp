// Our cookies: how they are named and set at one origin, and how they are read back. Pure functions of headers.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dd/http.hpp"
#include "dd/random.hpp"

namespace dd::identity {

inline constexpr std::string_view kSessionCookie = "dd_session";
/// Reason of the error when several sessions are good.
inline constexpr const char* kCookieConflict = "cookie_conflict";

/// Which requests a browser sends a cookie with.
enum class CookieReach {
  same_site,  ///< SameSite=Lax: our own pages, and links that lead here
  any_site,   ///< SameSite=None: also a form that another of our hosts posts here
};

/// One that the browser sent.
struct FoundCookie {
  std::string name;  // as set() and clear() take it
  std::string value;
};

/// Every cookie is host-only, for the whole host, unreadable to scripts, and named `__Host-…`, so that no other host of the domain (a
/// workload's!) can plant one. The plain name, without Secure, is only for http on a host that ends in ".localhost".
class Cookies {
 public:
  /// Errors: unsupported for another origin over http: a browser would not keep the cookie, and others could read it.
  [[nodiscard]] static Result<Cookies> of_origin(std::string_view origin);

  /// Value of a Set-Cookie header. `value` has no blanks, quotes, commas, semicolons or backslashes (base64url and dots).
  [[nodiscard]] std::string set(std::string_view name, std::string_view value, std::chrono::seconds life,
                                CookieReach reach = CookieReach::same_site) const;
  /// Value of a Set-Cookie header that takes the cookie away.
  [[nodiscard]] std::string clear(std::string_view name, CookieReach reach = CookieReach::same_site) const;
  /// Values of Set-Cookie headers that take all of that name away that can be: ours, and those that another host of a domain above us has planted for the
  /// path /.
  [[nodiscard]] std::vector<std::string> clear_planted(std::string_view name) const;
  /// All that the browser sent by that name, or by one that fresh_name() made of it: more than one when somebody has planted others. The first
  /// kMostCookies of them.
  [[nodiscard]] std::vector<FoundCookie> find_all(const HttpHeaders& headers, std::string_view name) const;
  static constexpr std::size_t kMostCookies = 64;

 private:
  enum class Form { host_prefix, plain };
  Cookies(Form form, std::string host) : form_(form), host_(std::move(host)) {}
  [[nodiscard]] std::string full_name(std::string_view name) const;

  Form form_;
  std::string host_;
};

/// A name for the same cookie that nobody could have planted another under.
[[nodiscard]] std::string fresh_name(std::string_view name, Random& random);
[[nodiscard]] bool is_fresh_name(std::string_view found, std::string_view name);

}  // namespace dd::identity
