// How fast we may talk to Cloudflare: 1,200 requests in 5 minutes for all of a user's tokens, and once that is passed everything is refused for
// 5 minutes. So a token bucket below that, and one pause for every caller after a 429.
#pragma once

#include <chrono>
#include <memory>

#include "libdd/net/task.hpp"

namespace dd::tunnel {

/// The time and waiting for it, injected so that a test waits for nothing.
class Timer {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  virtual ~Timer() = default;
  [[nodiscard]] virtual TimePoint now() const = 0;
  virtual net::Task<void> sleep_until(TimePoint time) = 0;
};

[[nodiscard]] std::shared_ptr<Timer> make_steady_timer();

struct PacingOptions {
  double requests_per_second = 3;
  double burst = 60;
};

/// Full at first. Value type.
class TokenBucket {
 public:
  using TimePoint = Timer::TimePoint;

  explicit TokenBucket(PacingOptions options) : options_(options), tokens_(options.burst) {}

  /// When the next request may go, `now` or later.
  [[nodiscard]] TimePoint next(TimePoint now) const;
  /// Takes the place that next() named; later callers queue behind it.
  void take(TimePoint now);

 private:
  [[nodiscard]] double tokens_at(TimePoint now) const;

  PacingOptions options_;
  double tokens_;
  TimePoint updated_{};
};

/// Use on one io thread.
class Pacer {
 public:
  using TimePoint = Timer::TimePoint;

  Pacer(PacingOptions options, std::shared_ptr<Timer> timer) : bucket_(options), timer_(std::move(timer)) {}

  /// Waits for this caller's turn; false, at once, when it would come after `until`.
  net::Task<bool> turn(TimePoint until);
  /// Nobody's turn comes before `time`.
  void pause_until(TimePoint time);
  [[nodiscard]] TimePoint paused_until() const noexcept { return paused_until_; }

 private:
  TokenBucket bucket_;
  std::shared_ptr<Timer> timer_;
  TimePoint paused_until_{};
};

}  // namespace dd::tunnel
