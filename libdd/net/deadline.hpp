// How much of a wait is left.
#pragma once

#include <algorithm>
#include <chrono>

namespace dd::net {

/// Value type. By the steady clock.
class Deadline {
 public:
  explicit Deadline(std::chrono::milliseconds from_now) : at_(std::chrono::steady_clock::now() + from_now) {}

  /// Rounded up; never below zero.
  [[nodiscard]] std::chrono::milliseconds left() const {
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(at_ - std::chrono::steady_clock::now());
    return std::max(rest, std::chrono::milliseconds(0));
  }
  [[nodiscard]] bool over() const { return left().count() == 0; }

 private:
  std::chrono::steady_clock::time_point at_;
};

}  // namespace dd::net
