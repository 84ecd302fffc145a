// The texts of configuration values: what an operator may write, and how a default is shown.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dd::config_values {

/// Decimal, with an optional minus sign; nothing around it.
[[nodiscard]] std::optional<std::int64_t> integer(std::string_view text);
/// As Config::duration says. More than zero and at most ten years.
[[nodiscard]] std::optional<std::chrono::milliseconds> duration(std::string_view text);
/// As Config::boolean says, in lower case.
[[nodiscard]] std::optional<bool> boolean(std::string_view text);
/// Comma-separated items without the blanks around them and without empty ones.
[[nodiscard]] std::vector<std::string> list(std::string_view text);
/// `text` without the white space around it. Borrowed.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

/// In the largest unit that divides it: "1500ms", "90s", "2h".
[[nodiscard]] std::string show(std::chrono::milliseconds duration);
/// The items of a JSON array of texts; empty when it is none.
[[nodiscard]] std::vector<std::string> argv(std::string_view text);
/// The JSON array of `argv`, "" when it is empty.
[[nodiscard]] std::string show(const std::vector<std::string>& argv);
[[nodiscard]] std::string join(const std::vector<std::string>& items, std::string_view separator);

}  // namespace dd::config_values
