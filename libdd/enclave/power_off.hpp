// The end of the VM.
#pragma once

#include "dd/error.hpp"

namespace dd::enclave {

/// Writes what is cached to disk and switches the machine off. Returns only with an error: unsupported where this process is not PID 1, so
/// that a daemon on somebody's machine never does it.
[[nodiscard]] Result<void> power_off();

}  // namespace dd::enclave
