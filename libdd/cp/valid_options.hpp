// What a control plane can be started with.
#pragma once

#include "dd/control_plane.hpp"

namespace dd::cp {

/// Fills in what follows from the rest (the origin). Errors: invalid_argument with the variable of the option that cannot be used; unsupported.
[[nodiscard]] Result<void> make_valid(ControlPlaneOptions& options);

}  // namespace dd::cp
