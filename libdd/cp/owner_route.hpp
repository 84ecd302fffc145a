// Routes that only the fleet's owner may call.
#pragma once

#include "libdd/cp/context.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::cp {

/// Bearer credential of somebody who acts for the owner; the principal is the login. `context` outlives the router.
[[nodiscard]] net::RouteOptions owner_route(Context& context);

}  // namespace dd::cp
