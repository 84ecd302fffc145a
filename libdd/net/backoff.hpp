// How long to wait before the next attempt.
#pragma once

#include <chrono>

#include "dd/random.hpp"

namespace dd::net {

struct BackoffOptions {
  std::chrono::milliseconds first{500};
  std::chrono::milliseconds most{30'000};
};

/// Evenly drawn from 0 to all of `duration`.
[[nodiscard]] std::chrono::milliseconds part_of(std::chrono::milliseconds duration, Random& random);

/// Doubles from `first` to `most`; each delay is drawn from its upper half, so that a fleet does not retry in step. Value type.
class Backoff {
 public:
  Backoff(BackoffOptions options, Random& random) : options_(options), random_(&random), ceiling_(options.first) {}

  /// The delay before the next attempt, in [c/2, c] of the current ceiling c.
  [[nodiscard]] std::chrono::milliseconds next();
  /// After a success.
  void reset() noexcept { ceiling_ = options_.first; }

 private:
  BackoffOptions options_;
  Random* random_;
  std::chrono::milliseconds ceiling_;
};

}  // namespace dd::net
