// A variable that nobody could declare with dd::Config, because a template of the caller's names it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dd {

/// None when it is not set.
[[nodiscard]] std::optional<std::string> environment_variable(std::string_view name);

}  // namespace dd
