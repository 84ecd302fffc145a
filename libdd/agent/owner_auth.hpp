// Who may deploy, read logs and mop: whoever proves to act for the fleet's owner.
#pragma once

#include "libdd/agent/context.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::agent {

/// Before the body: a PAT that proves its user acts for the owner, or the control plane's dd-session+jwt for this agent.
/// The principal is the login.
[[nodiscard]] net::Authenticate owner_only(Context& context);

}  // namespace dd::agent
