#include "libdd/workload/log_lines.hpp"

#include <nlohmann/json.hpp>

namespace dd {

void put(Json& answer, const LogLines& lines) {
  answer["lines"] = lines.lines;
  answer["first"] = lines.first;
  answer["next"] = lines.next;
}

LogLines read_log_lines(ObjectReader& reader) {
  // A line is whatever a workload printed: the answer's size is the limit.
  constexpr TextRule kAnyText{0, 1024 * 1024, nullptr, nullptr};
  LogLines out;
  if (reader.array("lines", kMaxLogLines) == nullptr) return out;
  out.lines = reader.texts("lines", kMaxLogLines, kAnyText);
  out.first = reader.integer("first", 0, kMaxLogLine);
  out.next = reader.integer("next", 0, kMaxLogLine);
  // Neither a gap nor more than one unfinished line between them.
  const auto end = out.first + static_cast<std::int64_t>(out.lines.size());
  if (!reader.error() && out.next != end && out.next + 1 != end)
    reader.problem("next", ErrorCode::malformed, "want the number behind the last whole line");
  return out;
}

}  // namespace dd
