#include "libdd/tunnel/pace.hpp"

#include <algorithm>

namespace dd::tunnel {

void Pace::refill(SteadyTime now) {
  const std::chrono::duration<double> since = now - filled_;
  tokens_ = std::min(burst_, tokens_ + since.count() * per_second_);
  filled_ = now;
}

net::Task<bool> Pace::take(std::chrono::milliseconds patience) {
  const auto limit = std::chrono::steady_clock::now() + patience;
  while (true) {
    const auto now = std::chrono::steady_clock::now();
    refill(now);
    if (now >= paused_until_ && tokens_ >= 1) {
      tokens_ -= 1;
      co_return true;
    }
    const auto missing = std::chrono::duration<double>(std::max(0.0, 1 - tokens_) / per_second_);
    const auto refilled = now + std::chrono::duration_cast<std::chrono::milliseconds>(missing) + std::chrono::milliseconds(1);
    const auto next = std::max(refilled, paused_until_);
    if (next > limit) co_return false;
    co_await net::sleep_for(std::chrono::duration_cast<std::chrono::milliseconds>(next - now) + std::chrono::milliseconds(1));
  }
}

void Pace::pause(std::chrono::milliseconds duration) { paused_until_ = std::max(paused_until_, std::chrono::steady_clock::now() + duration); }

}  // namespace dd::tunnel
