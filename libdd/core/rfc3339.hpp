// Times as texts: RFC 3339 in UTC, whole seconds ("2026-11-23T08:00:00Z").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dd {

[[nodiscard]] std::string to_rfc3339(std::int64_t unix_seconds);
/// Exactly the form that to_rfc3339 writes, or the date alone (its first second).
[[nodiscard]] std::optional<std::int64_t> from_rfc3339(std::string_view text);

}  // namespace dd
