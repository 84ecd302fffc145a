// Who is asking the control plane: an owner with a PAT, or somebody who is signed in at our pages.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libdd/cp/context.hpp"
#include "libdd/identity/cookie_sessions.hpp"
#include "libdd/identity/sign_in_links.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::cp {

/// Somebody who acts for the owner.
struct Visitor {
  Principal person;
  /// The session of the cookie; none for who came with a PAT.
  std::optional<protocol::SessionClaims> session;
  /// The PAT; empty with a session.
  Secret token;
};

/// Whether GitHub has said no to a token; everything else says nothing about whose it is.
[[nodiscard]] bool is_refusal(const Error& error) noexcept;

/// What a link that this visitor makes rests on. Errors: conflict when the session came from too many links already.
[[nodiscard]] Result<identity::SignInGrounds> grounds_of(const Visitor& visitor);

/// Use on the io thread.
class People {
 public:
  explicit People(Context& context)
      : context_(context), site_{context.origin, context.cp_key, identity::SiteKind::control_plane} {}

  /// By `Authorization: Bearer <PAT>`, else by our cookie (docs/wire.md, 13). Errors: unauthenticated, permission_denied, rate_limited,
  /// unavailable.
  net::Task<Result<Visitor>> who(std::string method, HttpHeaders headers, std::string client);
  /// The same before a body is read; the principal is the login.
  [[nodiscard]] net::Authenticate owner_only();

  /// Values of the Set-Cookie headers that sign somebody in, in a browser that sent these headers. While that session lives its token is kept, and asked about again: the session, and all that came
  /// from it, ends with it. Errors: unauthenticated when the grounds are gone; rate_limited when that person has begun too many of which the time is not over.
  net::Task<Result<std::vector<std::string>>> sign_in(identity::SignInGrounds grounds, HttpHeaders headers);
  /// Asks about the tokens of sessions that nobody has shown here for five minutes: what came from them is at agents, too.
  net::Task<void> check_tokens();
  /// Ends the sessions that a browser has sent, whosever they are, and takes them from it. The caller has checked that a page of ours asks.
  void sign_out(net::ServerResponse& response, const HttpHeaders& headers);

  /// The answer to a page's visitor whom who() did not let in: strangers go to the sign-in page and come back, others are told why.
  [[nodiscard]] net::ServerResponse turn_away(const net::ServerRequest& request, const Error& why) const;

 private:
  struct KeptToken {
    Secret token;
    std::int64_t expires_at = 0;
    std::int64_t checked_at = 0;
  };

  net::Task<Result<void>> check_token(protocol::SessionClaims session);
  /// Whether the token that a session began with is still good, or nobody can tell; else it and all that came from it is over.
  net::Task<bool> ask_again(std::string session_id);
  struct Begun {
    std::int64_t user_id = 0;
    std::int64_t expires_at = 0;
  };
  /// Whether one more may begin; nobody's is forgotten for it. Errors: rate_limited, for who has begun too many; unavailable.
  [[nodiscard]] Result<void> check_room(const Principal& person);

  Context& context_;
  identity::Site site_;
  std::map<std::string, KeptToken, std::less<>> tokens_;  // by the session that began with it
  std::vector<Begun> begun_;
};

}  // namespace dd::cp
