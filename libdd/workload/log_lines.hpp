// Lines of a workload's output, and where they stand in it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libdd/core/json.hpp"

namespace dd {

/// Lines are counted from 0, since the workload was deployed; those that made room for newer ones count too.
struct LogLines {
  std::vector<std::string> lines;  // oldest first; one that has no newline yet may be the last
  std::int64_t first = 0;          // the number of lines[0], or `next` when there is none
  std::int64_t next = 0;           // what to ask for next: the number behind the last line here that is whole

  bool operator==(const LogLines&) const = default;
};

inline constexpr std::int64_t kMaxLogLines = 10'000;         // that one answer carries
inline constexpr std::int64_t kMaxLogLine = std::int64_t{1} << 53;  // the highest number of a line

/// Puts `lines`, `first` and `next` into an answer.
void put(Json& answer, const LogLines& lines);
[[nodiscard]] LogLines read_log_lines(ObjectReader& reader);

}  // namespace dd
