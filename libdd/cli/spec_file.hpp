// A workload's text from a file or from standard input.
#pragma once

#include <string>

#include "dd/error.hpp"

namespace dd::cli {

/// `-` reads standard input. Errors: as read_text_file with at most 256 KiB.
[[nodiscard]] Result<std::string> read_spec(const std::string& file);

}  // namespace dd::cli
