#include "libdd/tunnel/cloudflare_pacing.hpp"

#include <algorithm>

namespace dd::tunnel {
namespace {

using std::chrono::steady_clock;

class SteadyTimer final : public Timer {
 public:
  [[nodiscard]] TimePoint now() const override { return steady_clock::now(); }
  net::Task<void> sleep_until(TimePoint time) override {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - steady_clock::now());
    co_await net::sleep_for(left);
  }
};

}  // namespace

std::shared_ptr<Timer> make_steady_timer() { return std::make_shared<SteadyTimer>(); }

double TokenBucket::tokens_at(TimePoint now) const {
  const std::chrono::duration<double> passed = std::max(now - updated_, TimePoint::duration::zero());
  return std::min(options_.burst, tokens_ + passed.count() * options_.requests_per_second);
}

TokenBucket::TimePoint TokenBucket::next(TimePoint now) const {
  const auto missing = 1.0 - tokens_at(now);
  if (missing <= 0) return now;
  const std::chrono::duration<double> wait(missing / options_.requests_per_second);
  return now + std::chrono::ceil<std::chrono::milliseconds>(wait);
}

void TokenBucket::take(TimePoint now) {
  tokens_ = tokens_at(now) - 1.0;
  updated_ = now;
}

net::Task<bool> Pacer::turn(TimePoint until) {
  const auto now = timer_->now();
  const auto mine = std::max(bucket_.next(now), paused_until_);
  if (mine > until) co_return false;
  bucket_.take(now);
  if (mine > now) co_await timer_->sleep_until(mine);
  // Somebody else may have been throttled meanwhile.
  while (paused_until_ > timer_->now()) {
    const auto end = paused_until_;
    if (end > until) co_return false;
    co_await timer_->sleep_until(end);
  }
  co_return true;
}

void Pacer::pause_until(TimePoint time) { paused_until_ = std::max(paused_until_, time); }

}  // namespace dd::tunnel
