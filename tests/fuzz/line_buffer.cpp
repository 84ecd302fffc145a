// Property: the lines do not depend on how the bytes arrive. The first byte says in which pieces the others come.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "libdd/net/line_buffer.hpp"

namespace {

std::pair<std::vector<std::string>, bool> lines_of(std::string_view text, std::size_t step) {
  dd::net::LineBuffer buffer(64);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size(); at += step) {
    buffer.append(text.substr(at, step));
    while (auto line = buffer.next()) lines.push_back(*std::move(line));
  }
  return {lines, buffer.overflow()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = lines_of(text, text.size() + 1);
  if (lines_of(text, 1 + data[0] % 16) != whole) std::abort();
  for (const auto& line : whole.first)
    if (line.size() > 64 || line.find('\n') != std::string::npos) std::abort();
  return 0;
}
