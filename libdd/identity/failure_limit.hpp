// How often one client may fail to sign in.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "dd/error.hpp"

namespace dd::identity {

struct FailureLimitOptions {
  int failures = 10;  // of one client, in one window
  std::chrono::seconds window{600};
  std::size_t most_clients = 1024;
};

/// Counts failures in windows that start with a client's first one. Bounded: the client whose window is the oldest is forgotten for a new
/// one. Times are unix seconds. Not thread-safe.
class FailureLimit {
 public:
  explicit FailureLimit(FailureLimitOptions options) : options_(options) {}

  /// Before a try, which counts as failed until it is forgiven: of many at once no more are let through than may fail. Errors: rate_limited when the
  /// client has to wait; the message says how long.
  [[nodiscard]] Result<void> begin(std::string_view client, std::int64_t now);
  /// A try that began has succeeded, or says nothing about who it was.
  void forgive(std::string_view client);

 private:
  struct Window {
    std::int64_t started_at = 0;
    int failures = 0;
  };
  [[nodiscard]] Window& window_of(std::string_view client, std::int64_t now);
  [[nodiscard]] bool is_over(const Window& window, std::int64_t now) const;

  FailureLimitOptions options_;
  std::map<std::string, Window, std::less<>> clients_;
};

}  // namespace dd::identity
