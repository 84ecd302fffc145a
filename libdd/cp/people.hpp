// Who is asking the control plane: an owner with a PAT, or somebody who is signed in at our pages.
#pragma once

#include <optional>
#include <string>

#include "libdd/cp/context.hpp"
#include "libdd/identity/cookie_sessions.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::cp {

/// Somebody who acts for the owner.
struct Visitor {
  Principal person;
  /// The session of the cookie; none for who came with a PAT.
  std::optional<protocol::SessionClaims> session;
};

/// Use on the io thread.
class People {
 public:
  explicit People(Context& context)
      : context_(context), site_{context.origin, context.cp_key, identity::SiteKind::control_plane} {}

  /// By `Authorization: Bearer <PAT>`, else by our cookie (docs/wire.md, 13). Errors: unauthenticated, permission_denied, unavailable.
  net::Task<Result<Visitor>> who(std::string method, HttpHeaders headers);
  /// The same before a body is read; the principal is the login.
  [[nodiscard]] net::Authenticate owner_only();

  /// Value of the Set-Cookie header that signs `person` in.
  net::Task<Result<std::string>> sign_in(Principal person);
  /// Value of the Set-Cookie header that signs out.
  [[nodiscard]] Result<std::string> sign_out(const protocol::SessionClaims& session);

  /// The answer to a page's visitor whom who() did not let in: strangers go to the sign-in page and come back, others are told why.
  [[nodiscard]] static net::ServerResponse turn_away(const net::ServerRequest& request, const Error& why);

 private:
  Context& context_;
  identity::Site site_;
  identity::CookieSessions sessions_;
};

}  // namespace dd::cp
