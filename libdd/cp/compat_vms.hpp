// Which VMs may use the compat listener, and until when.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dd/error.hpp"

namespace dd::cp {

/// Entries are "vm=2026-12-31" or "vm=2026-12-31T12:00:00Z"; the end is exclusive, UTC.
/// Errors: invalid_argument with the entry.
[[nodiscard]] Result<void> check_compat_vms(const std::vector<std::string>& entries);
/// Whether `vm_name` is listed and its end not yet reached. Errors: permission_denied that says which of the two it is.
[[nodiscard]] Result<void> check_compat_vm(const std::vector<std::string>& entries, std::string_view vm_name,
                                           std::int64_t now);

}  // namespace dd::cp
