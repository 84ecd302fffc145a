// Failures on order, so that a test can see what a client does with them.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "libdd/net/http_server.hpp"

namespace dd::local {

/// Thread-safe.
class Faults {
 public:
  /// The next `times` requests get this answer instead of their own.
  void fail_next(int times, net::ServerResponse answer) {
    const std::lock_guard lock(mutex_);
    left_ = times;
    answer_ = std::move(answer);
  }
  /// Counts a request; an answer when it is to fail.
  [[nodiscard]] std::optional<net::ServerResponse> next() {
    const std::lock_guard lock(mutex_);
    ++requests_;
    if (left_ == 0) return std::nullopt;
    --left_;
    return answer_;
  }
  /// Requests so far, failed ones too.
  [[nodiscard]] std::uint64_t requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  mutable std::mutex mutex_;
  int left_ = 0;
  net::ServerResponse answer_;
  std::uint64_t requests_ = 0;
};

}  // namespace dd::local
