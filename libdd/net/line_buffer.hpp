// Bytes of a JSON-lines connection, cut into lines. Free of Asio.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dd::net {

/// Append what was read, take lines out in order. Once a line is over the limit the buffer gives no more.
class LineBuffer {
 public:
  explicit LineBuffer(std::size_t max_line) : max_line_(max_line) {}

  void append(std::string_view bytes);
  /// The next complete line without its '\n'; nullopt when more bytes are needed or after overflow.
  [[nodiscard]] std::optional<std::string> next();
  /// Everything behind the lines that were taken, which is then no longer here: the peer speaks no lines any more.
  [[nodiscard]] std::string take_rest();
  /// The line at the front is longer than `max_line` bytes, complete or not.
  [[nodiscard]] bool overflow() const noexcept { return overflow_; }

 private:
  std::size_t max_line_;
  std::string bytes_;
  std::size_t start_ = 0;    // of the line at the front
  std::size_t scanned_ = 0;  // no '\n' before this
  bool overflow_ = false;
};

}  // namespace dd::net
