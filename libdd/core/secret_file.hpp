// Secrets that arrive as files: mounted secrets, systemd credentials, join tickets.
#pragma once

#include <filesystem>

#include "dd/error.hpp"
#include "dd/secret.hpp"

namespace dd {

/// The text of `path` without the white space around it. Errors: invalid_argument when the file cannot be read, is larger than
/// 64 KiB or holds nothing; the message names the path and never the content.
[[nodiscard]] Result<Secret> read_secret_file(const std::filesystem::path& path);

}  // namespace dd
