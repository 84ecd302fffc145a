// P, put together from what the caller of the capability socket knows and what only the runtime may say (docs/wire.md, 4 and 9).
#pragma once

#include <span>
#include <string_view>

#include "dd/bytes.hpp"
#include "libdd/enclave/vm_keys.hpp"

namespace dd::enclave {

/// `fields` in the order of §9. Errors: invalid_argument for an unknown tag or another number of fields.
[[nodiscard]] Result<Bytes> compose_runtime_data(std::string_view tag, std::span<const Digest256> fields,
                                                 const VmKeys& keys, const Digest384& log_head);

}  // namespace dd::enclave
