// The socket's exec: a command, to its end, and what it said (docs/wire.md, 8).
#pragma once

#include <stop_token>

#include "libdd/core/json.hpp"
#include "libdd/enclave/runtime.hpp"

namespace dd::enclave {

/// Of each stream so much is kept; the rest is read and dropped, so that the command ends by itself.
inline constexpr std::size_t kExecOutput = 1024 * 1024;

/// The answer beside `ok`. The command is ended when `caller_left` is stopped. Errors: of the request; of Runtime::start_guest(); deadline_exceeded
/// when it was killed at its timeout, unavailable when nobody waits for it any more.
net::Task<Result<Json>> exec(Runtime& runtime, Json request, std::stop_token caller_left);

}  // namespace dd::enclave
