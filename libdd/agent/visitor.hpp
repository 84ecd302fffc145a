// Who is asking an agent: an owner with a PAT or a session of the control plane, or somebody who is signed in at our pages.
#pragma once

#include <optional>
#include <string>

#include "libdd/agent/context.hpp"
#include "libdd/identity/cookie_sessions.hpp"

namespace dd::agent {

/// Somebody who acts for the owner.
struct Visitor {
  std::string login;
  /// The session of our cookie; none for who came with a bearer credential.
  std::optional<protocol::SessionClaims> session;
};

/// "https://host" of a host name of this agent, with the scheme and port of the control plane's origin.
[[nodiscard]] std::string origin_of(const Context& context, const std::string& hostname);
/// Our own pages and the key that signs their cookies, which never leaves the VM. Errors: unavailable before registration.
[[nodiscard]] Result<identity::Site> own_site(const Context& context);

/// By `Authorization: Bearer` (a PAT, or dd-session+jwt for this agent), else by our cookie (docs/wire.md, 13). Errors: unauthenticated,
/// permission_denied, rate_limited, unavailable.
net::Task<Result<Visitor>> who(Context& context, std::string method, HttpHeaders headers, std::string client);

}  // namespace dd::agent
