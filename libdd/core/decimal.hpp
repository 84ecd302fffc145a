// Decimal integers in texts from outside.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <system_error>

namespace dd {

/// The number that `text` is as a whole; nothing for other characters before or behind it (a plus sign and spaces too), or outside T's range.
template <std::integral T>
[[nodiscard]] std::optional<T> decimal(std::string_view text) {
  T value{};
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return value;
}

}  // namespace dd
