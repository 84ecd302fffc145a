// Property: whatever a workload writes and however it is cut, its lines put together are its bytes without the newlines, no line is longer
// than the limit, and nothing is lost while the ring has room.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libdd/enclave/log_ring.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t step = std::max<std::size_t>(1, data[0]);
  const dd::enclave::LogLimits limits{.max_line = 16, .max_lines = size + 1, .max_bytes = size + 1};
  dd::enclave::LogRing ring(limits);
  for (std::size_t at = 0; at < input.size(); at += step) ring.append(std::string_view(input).substr(at, step));
  ring.finish();

  std::string joined;
  for (const auto& line : ring.tail(size + 1).lines) {
    if (line.size() > limits.max_line || line.find('\n') != std::string::npos) std::abort();
    joined += line;
  }
  auto expected = input;
  std::erase(expected, '\n');
  if (joined != expected) std::abort();
  return 0;
}
