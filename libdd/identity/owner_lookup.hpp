// Who a login is at GitHub, for configurations that name the owner only.
#pragma once

#include <string>

#include "dd/http.hpp"
#include "dd/identity.hpp"

namespace dd::identity {

/// `owner` with the id that GitHub has for its login now, and what kind of account it is; a repository stays one. Blocks, at most 10 s.
/// Errors: not_found, for a private repository too; unavailable; upstream.
[[nodiscard]] Result<Owner> look_up_owner(HttpTransport& transport, const std::string& api_url, Owner owner);

/// Fills in the id and kind of an owner that has no id, with a warning: a login can change hands. Errors: as above.
[[nodiscard]] Result<void> complete_owner(HttpTransport& transport, const std::string& api_url, Owner& owner);

}  // namespace dd::identity
