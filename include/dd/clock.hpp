// The time, injected, so that a test decides when a token expires.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

namespace dd {

/// Wall-clock time. Implementations are thread-safe.
class Clock {
 public:
  using TimePoint = std::chrono::system_clock::time_point;

  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const = 0;

  /// Whole seconds since 1970-01-01T00:00:00Z, as tokens carry them.
  [[nodiscard]] std::int64_t unix_seconds() const {
    return std::chrono::duration_cast<std::chrono::seconds>(now().time_since_epoch()).count();
  }
  /// Whole milliseconds since 1970-01-01T00:00:00Z.
  [[nodiscard]] std::int64_t unix_millis() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(now().time_since_epoch()).count();
  }
};

/// The machine's clock. Lives for the whole program.
[[nodiscard]] const Clock& system_clock() noexcept;

/// A clock that moves only when told.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimePoint start) : now_(start) {}
  [[nodiscard]] TimePoint now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  void advance(std::chrono::milliseconds by) {
    const std::lock_guard lock(mutex_);
    now_ += by;
  }

 private:
  mutable std::mutex mutex_;
  TimePoint now_;
};

}  // namespace dd
