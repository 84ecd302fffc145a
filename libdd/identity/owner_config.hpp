// The variables that say whom a fleet belongs to; control plane and agent read the same.
#pragma once

#include "dd/config.hpp"
#include "dd/identity.hpp"

namespace dd::identity {

/// DD_OWNER, DD_OWNER_ID, DD_OWNER_KIND.
void declare_owner(Config& config, Owner& owner);
/// Errors: invalid_argument when id and login do not fit the kind.
[[nodiscard]] Result<void> check_owner(const Owner& owner);

}  // namespace dd::identity
