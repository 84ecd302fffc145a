// Names inside an archive, which its maker chose.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dd/error.hpp"

namespace dd {

/// A member's path in parts, "./" and doubled slashes left out; no part for the folder itself. Errors: invalid_argument when it is absolute, has "..",
/// a control character, more than 64 parts, or one of over 255 bytes.
[[nodiscard]] Result<std::vector<std::string>> parts_of_member(std::string_view path);

/// Whether the symbolic link at `link` (its parts) with this target stays inside the archive's own tree whatever else is in the tree: relative, ".."
/// only at its beginning and not beyond the root. "a/../b" is refused: `a` may be a link itself.
[[nodiscard]] bool stays_inside(const std::vector<std::string>& link, std::string_view target);

}  // namespace dd
