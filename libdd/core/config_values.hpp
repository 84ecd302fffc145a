// The texts of configuration values: what an operator may write, and how a default is shown.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dd/error.hpp"

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

/// In the largest unit that divides it: "1500ms", "90s", "2h"; "0s".
[[nodiscard]] std::string show(std::chrono::milliseconds duration);
/// The items of a JSON array of texts; empty when it is none.
[[nodiscard]] std::vector<std::string> argv(std::string_view text);
/// The JSON array of `argv`, "" when it is empty.
[[nodiscard]] std::string show(const std::vector<std::string>& argv);
/// An option as its caller has filled it, by the name of its variable.
struct DurationOption {
  const char* name;
  std::chrono::milliseconds value;
  std::chrono::milliseconds least{1};
};
/// Each at least that and at most ten years, for whoever fills options without Config. Errors: invalid_argument for the first that is not.
[[nodiscard]] Result<void> check_durations(std::initializer_list<DurationOption> options);

[[nodiscard]] std::string join(const std::vector<std::string>& items, std::string_view separator);

}  // namespace dd::config_values
