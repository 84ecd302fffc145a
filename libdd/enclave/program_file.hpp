// The file of a program, opened by root where workloads may have laid the path.
#pragma once

#include <filesystem>

#include "dd/error.hpp"
#include "libdd/enclave/unique_fd.hpp"

namespace dd::enclave {

/// For reading. `path` is absolute. A link counts when it is root's or the runtime's own; in a folder of anybody else, those that stay in it count as
/// well, and the file must be that one's or readable by all: nobody gets a copy of what he could not read himself. Errors, all at $.cmd[0]:
/// not_found (no executable file is there), permission_denied, unavailable.
[[nodiscard]] Result<UniqueFd> open_program(const std::filesystem::path& path);

}  // namespace dd::enclave
