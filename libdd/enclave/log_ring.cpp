#include "libdd/enclave/log_ring.hpp"

#include <algorithm>

namespace dd::enclave {
namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

}  // namespace

void LogRing::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto newline = bytes.find('\n');
    partial_ += bytes.substr(0, newline);
    while (partial_.size() > limits_.max_line) push_piece();
    if (newline == std::string_view::npos) return;
    push(partial_);
    partial_.clear();
    bytes.remove_prefix(newline + 1);
  }
}

void LogRing::finish() {
  if (partial_.empty()) return;
  push(partial_);
  partial_.clear();
}

LogLines LogRing::tail(std::size_t count) const {
  const std::size_t unfinished = partial_.empty() ? 0 : 1;
  const auto whole = std::min(lines_.size(), count - std::min(count, unfinished));
  LogLines out;
  out.next = forgotten_ + static_cast<std::int64_t>(lines_.size());
  out.first = out.next - static_cast<std::int64_t>(whole);
  out.lines.assign(lines_.end() - static_cast<std::ptrdiff_t>(whole), lines_.end());
  if (unfinished != 0 && count > 0) out.lines.push_back(partial_);
  return out;
}

LogLines LogRing::from(std::int64_t from, std::size_t count) const {
  const auto total = static_cast<std::int64_t>(lines_.size());
  const auto start = std::clamp<std::int64_t>(from - forgotten_, 0, total);
  const auto end = start + std::min<std::int64_t>(total - start, static_cast<std::int64_t>(count));
  LogLines out;
  out.first = forgotten_ + start;
  out.next = forgotten_ + end;
  out.lines.assign(lines_.begin() + start, lines_.begin() + end);
  return out;
}

void LogRing::push_piece() {
  auto cut = limits_.max_line;
  // Not inside a character, unless this is no UTF-8 anyway.
  for (int back = 0; back < 3 && cut > 1 && continues_character(partial_[cut]); ++back) --cut;
  push(std::string_view(partial_).substr(0, cut));
  partial_.erase(0, cut);
}

void LogRing::push(std::string_view line) {
  if (reader_) reader_(line);
  lines_.emplace_back(line);
  bytes_ += line.size();
  while (lines_.size() > limits_.max_lines || bytes_ > limits_.max_bytes) {
    bytes_ -= lines_.front().size();
    lines_.pop_front();
    ++forgotten_;
  }
}

}  // namespace dd::enclave
