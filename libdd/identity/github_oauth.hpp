// Signing in at GitHub: the OAuth web flow with state and PKCE (RFC 6749, 4.1; RFC 7636), as far as it concerns GitHub.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dd/clock.hpp"
#include "dd/http.hpp"
#include "dd/identity.hpp"
#include "dd/secret.hpp"
#include "libdd/identity/cookie.hpp"
#include "libdd/identity/cookie_mac.hpp"
#include "libdd/identity/owner_check.hpp"
#include "libdd/identity/spent_ids.hpp"

namespace dd::identity {

struct GithubApp {
  std::string web_url = "https://github.com";
  std::string api_url = "https://api.github.com";
  std::string client_id;
  Secret client_secret;
  /// Fixed, and registered with the app: never made of a request.
  std::string callback_url;
};

/// A sign-in that a browser has begun. It keeps `cookie` and goes to `location`.
struct GithubDetour {
  std::string location;
  std::string cookie;
};

/// What GitHub's redirect brought back; members are empty when they were absent.
struct GithubReturn {
  std::string code;
  std::string state;
  std::string error;
};

/// A sign-in that came back to the browser that began it.
struct GithubArrival {
  std::string code;
  std::string verifier;
  std::string next;
};

/// Use on one io thread. A detour is good for ten minutes, once, in the browser that began it.
class GithubOauth {
 public:
  GithubOauth(std::shared_ptr<HttpTransport> transport, GithubApp app, Owner owner, const Clock& clock, Random& random);

  /// `next` is carried along unread; it may not be empty.
  [[nodiscard]] GithubDetour begin(std::string next);
  /// `kept` is what the browser sent by the name of `GithubDetour::cookie`; more than one where somebody has planted others. Nobody is asked.
  /// Errors: unauthenticated (another browser's or an old state, a second use), permission_denied (refused at GitHub), upstream (GitHub says that
  /// our app is wrong), unavailable (too many at once).
  [[nodiscard]] Result<GithubArrival> arrive(GithubReturn back, const std::vector<FoundCookie>& kept);
  /// Trades the code for a token and asks, by the rule for PATs, whether its user acts for the owner. The token is then forgotten.
  /// Errors: unauthenticated (a code that GitHub does not take), permission_denied (not the owner's), unavailable, upstream.
  net::Task<Result<Principal>> finish(GithubArrival arrival);

 private:
  struct Begun;
  [[nodiscard]] Result<Begun> read(std::string_view cookie, std::string_view state) const;
  net::Task<Result<Secret>> trade(GithubArrival arrival);

  std::shared_ptr<HttpTransport> transport_;
  GithubApp app_;
  OwnerKind kind_;
  OwnerCheck owner_;
  const Clock& clock_;
  Random& random_;
  CookieMac mac_;
  SpentIds spent_{4096};
};

}  // namespace dd::identity
