// Files that hold secrets: 0600, replaced in one step.
#pragma once

#include <filesystem>
#include <string_view>

#include "dd/error.hpp"

namespace dd::cli {

[[nodiscard]] Result<void> write_private_file(const std::filesystem::path& file, std::string_view text);

}  // namespace dd::cli
