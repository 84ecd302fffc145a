// The answer lines of the enclave's two sockets (docs/wire.md, 8 and 9).
#pragma once

#include <string_view>

#include "libdd/core/json.hpp"

namespace dd::enclave_client {

/// The object of an answer that says `ok`. Errors: what the runtime said, with its code, path and reason (`internal` when an older
/// runtime gave no code); upstream when the line is no answer at all.
[[nodiscard]] Result<Json> answer_from(std::string_view line);

}  // namespace dd::enclave_client
