// The run token on its way to cloudflared: not on the command line or in the environment, which others can read.
#pragma once

#include <filesystem>

#include "dd/error.hpp"
#include "dd/secret.hpp"

namespace dd::tunnel {

/// Replaces `directory`/tunnel-token at once, mode 0600, and returns its path. The directory is made with mode 0700 where it is missing,
/// what leads to it with the usual one.
/// Errors: invalid_argument when it is there but not ours alone; unavailable when it cannot be written.
[[nodiscard]] Result<std::filesystem::path> write_token_file(const std::filesystem::path& directory,
                                                             const Secret& token);

}  // namespace dd::tunnel
