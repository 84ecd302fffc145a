// Names that no deployment takes, lest it passes for a part of the platform.
#pragma once

#include <string_view>

namespace dd {

/// Of a part of the platform, ours or the earlier system's, whether it runs or not.
[[nodiscard]] bool is_platform_name(std::string_view app_name) noexcept;

/// Whether people take them for one: they differ by dots at the end.
[[nodiscard]] bool is_same_name(std::string_view one, std::string_view other) noexcept;

}  // namespace dd
