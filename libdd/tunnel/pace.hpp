// Cloudflare refuses everything for five minutes once a limit is passed: a token bucket keeps us under it.
#pragma once

#include <chrono>

#include "libdd/net/task.hpp"

namespace dd::tunnel {

/// Use on one io thread.
class Pace {
 public:
  Pace(double per_second, double burst) : per_second_(per_second), burst_(burst), tokens_(burst) {}
  /// Waits for a token, and for the end of a pause that the server asked for. False when that would take longer than `patience`.
  net::Task<bool> take(std::chrono::milliseconds patience);
  /// The server said 429: nobody calls before.
  void pause(std::chrono::milliseconds duration);

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  void refill(SteadyTime now);

  double per_second_;
  double burst_;
  double tokens_;
  SteadyTime filled_ = std::chrono::steady_clock::now();
  SteadyTime paused_until_{};
};

}  // namespace dd::tunnel
