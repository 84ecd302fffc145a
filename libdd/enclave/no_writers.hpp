// Whether anybody could still write to a file.
#pragma once

#include <string>

#include "dd/error.hpp"

namespace dd::enclave {

/// A process that is gone may have given its descriptor, or a copy of it, to one that is not. `fd` is the file, open for reading only, and belongs to this process's
/// user; `name` is for the message. Waits up to 200 ms: a child of ours between fork and exec has copies too. Says nothing where the file system has no leases.
/// Errors: permission_denied.
[[nodiscard]] Result<void> check_no_writers(int fd, const std::string& name);

}  // namespace dd::enclave
