// Names that the runtime gives.
#pragma once

#include <string>

#include "dd/clock.hpp"
#include "dd/random.hpp"

namespace dd::enclave {

/// 32 hex digits, new at each start of the runtime.
[[nodiscard]] std::string new_boot_id(Random& random);
/// UUID version 4 (RFC 9562, 5.4).
[[nodiscard]] std::string new_deployment_id(Random& random);
/// RFC 3339 in UTC, whole seconds.
[[nodiscard]] std::string timestamp(const Clock& clock);

}  // namespace dd::enclave
