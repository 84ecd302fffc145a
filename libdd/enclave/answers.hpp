// Answer lines of both sockets (docs/wire.md, 8).
#pragma once

#include <string>

#include "libdd/core/json.hpp"

namespace dd::enclave {

/// `{"ok":true, …members}`, or the error as line.
[[nodiscard]] std::string answer_line(Result<Json> outcome);

}  // namespace dd::enclave
