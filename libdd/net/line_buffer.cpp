#include "libdd/net/line_buffer.hpp"

#include <utility>

namespace dd::net {

void LineBuffer::append(std::string_view bytes) {
  if (overflow_) return;
  // Once per read and not once per line, so that many short lines in one read cost nothing extra.
  bytes_.erase(0, start_);
  scanned_ -= start_;
  start_ = 0;
  bytes_ += bytes;
}

std::optional<std::string> LineBuffer::next() {
  if (overflow_) return std::nullopt;
  const auto end = bytes_.find('\n', scanned_);
  scanned_ = end == std::string::npos ? bytes_.size() : end + 1;
  const auto length = (end == std::string::npos ? bytes_.size() : end) - start_;
  if (length > max_line_) {
    overflow_ = true;
    bytes_.clear();
    return std::nullopt;
  }
  if (end == std::string::npos) return std::nullopt;
  auto line = bytes_.substr(start_, length);
  start_ = scanned_;
  return line;
}

std::string LineBuffer::take_rest() {
  bytes_.erase(0, start_);
  start_ = 0;
  scanned_ = 0;
  return std::exchange(bytes_, {});
}

}  // namespace dd::net
