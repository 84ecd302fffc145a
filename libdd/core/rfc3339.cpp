#include "libdd/core/rfc3339.hpp"

#include <ctime>

namespace dd {

std::string to_rfc3339(std::int64_t unix_seconds) {
  const std::time_t time = unix_seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, size};
}

std::optional<std::int64_t> from_rfc3339(std::string_view text) {
  constexpr std::size_t kDate = 10;
  const std::string whole = text.size() == kDate ? std::string(text) + "T00:00:00Z" : std::string(text);
  std::tm parts{};
  const char* end = strptime(whole.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const std::int64_t seconds = timegm(&parts);
  // strptime takes "2026-1-2" and the 31st of February; what is written back tells.
  if (to_rfc3339(seconds) != whole) return std::nullopt;
  return seconds;
}

}  // namespace dd
