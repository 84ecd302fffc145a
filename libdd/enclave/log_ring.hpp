// The last lines that a workload wrote.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "libdd/workload/log_lines.hpp"

namespace dd::enclave {

struct LogLimits {
  std::size_t max_line = 16 * 1024;  // a longer line is split
  std::size_t max_lines = 2000;
  std::size_t max_bytes = 1024 * 1024;
};

/// Bytes in, lines out; the oldest lines make room. Bytes need not be text: readers replace what is not UTF-8.
class LogRing {
 public:
  explicit LogRing(LogLimits limits = {}) : limits_(limits) {}

  /// Shows each line to `reader` too, as it is completed.
  void watch(std::function<void(std::string_view)> reader) { reader_ = std::move(reader); }
  void append(std::string_view bytes);
  /// Ends a line that has no newline yet: nobody writes any more.
  void finish();
  /// The last `count` lines, oldest first, with the unfinished one.
  [[nodiscard]] LogLines tail(std::size_t count) const;
  /// Whole lines from number `from` on, at most `count`: the oldest of them, so that whoever goes on at `next` misses nothing that is left.
  [[nodiscard]] LogLines from(std::int64_t from, std::size_t count) const;

 private:
  void push(std::string_view line);
  void push_piece();

  LogLimits limits_;
  std::deque<std::string> lines_;
  std::int64_t forgotten_ = 0;  // lines that made room
  std::size_t bytes_ = 0;
  std::string partial_;
  std::function<void(std::string_view)> reader_;
};

}  // namespace dd::enclave
