// Our cookies: how they are named and set at one origin, and how they are read back. Pure functions of headers.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "dd/http.hpp"

namespace dd::identity {

inline constexpr std::string_view kSessionCookie = "dd_session";

/// Which requests a browser sends a cookie with.
enum class CookieReach {
  same_site,  ///< SameSite=Lax: our own pages, and links that lead here
  any_site,   ///< SameSite=None: also a form that another of our hosts posts here
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
  /// nullopt when the browser sent none. Errors: unauthenticated when it is there twice: one of them was planted, and nobody can say which.
  [[nodiscard]] Result<std::optional<std::string>> find(const HttpHeaders& headers, std::string_view name) const;

 private:
  enum class Form { host_prefix, plain };
  explicit Cookies(Form form) : form_(form) {}
  [[nodiscard]] std::string full_name(std::string_view name) const;

  Form form_;
};

}  // namespace dd::identity
