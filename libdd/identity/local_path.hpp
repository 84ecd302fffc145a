// Where a person goes after signing in: a path of our own host, never somebody else's page.
#pragma once

#include <string>
#include <string_view>

namespace dd::identity {

/// `text` when every browser reads it as a path of this host: "/" and then no "/" or "\" (both make it another host), no backslash, blank, control
/// or non-ASCII character (browsers drop tabs and line ends before they look), at most 2,048 characters. "/" for anything else.
[[nodiscard]] std::string local_path(std::string_view text);

}  // namespace dd::identity
