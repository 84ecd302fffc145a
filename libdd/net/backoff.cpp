#include "libdd/net/backoff.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace dd::net {

std::chrono::milliseconds part_of(std::chrono::milliseconds duration, Random& random) {
  std::array<std::byte, 8> bytes{};
  random.fill(bytes);
  const auto most = static_cast<std::uint64_t>(duration.count());
  return std::chrono::milliseconds(std::bit_cast<std::uint64_t>(bytes) % (most + 1));
}

std::chrono::milliseconds Backoff::next() {
  const auto delay = ceiling_ - part_of(ceiling_ / 2, *random_);
  ceiling_ = std::min(ceiling_ * 2, options_.most);
  return delay;
}

}  // namespace dd::net
