// The OAuth web flow of the local identity provider: one app, its codes and the tokens that they are traded for, as GitHub answers.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dd/clock.hpp"
#include "dd/random.hpp"
#include "dd/secret.hpp"
#include "libdd/local/github_table.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::local {

/// An OAuth app as it is registered; without a client id there is none.
struct GithubAppEntry {
  std::string client_id;
  Secret client_secret;
  std::string callback_url;
};

/// Not thread-safe.
class GithubApp {
 public:
  GithubApp(GithubAppEntry entry, const Clock& clock, Random& random)
      : entry_(std::move(entry)), clock_(clock), random_(random) {}

  void set_entry(GithubAppEntry entry) { entry_ = std::move(entry); }

  /// GET /login/oauth/authorize: a page that asks as which of the users to go on. 404 for an unknown client id.
  [[nodiscard]] net::ServerResponse ask(const net::ServerRequest& request, const GithubTable& table) const;
  /// POST of that page, with `user`: back to the app with a code (302), or with an error for a redirect_uri that is not the app's.
  [[nodiscard]] net::ServerResponse consent(const net::ServerRequest& request, const GithubTable& table);
  /// POST /login/oauth/access_token: a token that `table` knows from now on, or an error with status 200.
  [[nodiscard]] net::ServerResponse trade(const net::ServerRequest& request, GithubTable& table);

 private:
  struct Grant {
    std::string login;
    std::string redirect_uri;
    std::string challenge;  // base64url of SHA-256, or empty
    std::int64_t expires_at = 0;
  };
  [[nodiscard]] std::string new_text(std::string_view prefix);

  GithubAppEntry entry_;
  const Clock& clock_;
  Random& random_;
  std::map<std::string, Grant> grants_;  // by code
};

}  // namespace dd::local
