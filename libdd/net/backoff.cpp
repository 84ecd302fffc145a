#include "libdd/net/backoff.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace dd::net {

std::chrono::milliseconds Backoff::next() {
  std::array<std::byte, 8> bytes{};
  random_->fill(bytes);
  const auto half = static_cast<std::uint64_t>(ceiling_.count() / 2);
  const auto delay = ceiling_ - std::chrono::milliseconds(std::bit_cast<std::uint64_t>(bytes) % (half + 1));
  ceiling_ = std::min(ceiling_ * 2, options_.most);
  return delay;
}

}  // namespace dd::net
