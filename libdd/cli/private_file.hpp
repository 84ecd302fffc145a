// Files that hold secrets: 0600, replaced in one step.
#pragma once

#include <filesystem>
#include <string_view>

#include "dd/error.hpp"
#include "dd/secret.hpp"

namespace dd::cli {

[[nodiscard]] Result<void> write_private_file(const std::filesystem::path& file, std::string_view text);
/// White space around the text is cut. Errors: not_found, malformed when it is empty or longer than 64 KiB.
[[nodiscard]] Result<Secret> read_private_file(const std::filesystem::path& file);

}  // namespace dd::cli
