// The socket's exec: a command, to its end, and what it said (docs/wire.md, 8).
#pragma once

#include "libdd/core/json.hpp"
#include "libdd/enclave/runtime.hpp"

namespace dd::enclave {

/// Of each stream so much is kept; the rest is read and dropped, so that the command ends by itself.
inline constexpr std::size_t kExecOutput = 1024 * 1024;

/// The answer beside `ok`. Errors: of the request; of Runtime::start_guest(); deadline_exceeded when it was killed at its timeout.
net::Task<Result<Json>> exec(Runtime& runtime, Json request);

}  // namespace dd::enclave
