// How long Cloudflare wants no call, in the registry: a process that is started again must not ask at once.
#pragma once

#include <chrono>

#include "libdd/cp/store.hpp"

namespace dd::cp {

/// Use on one io thread.
class CloudflarePause {
 public:
  CloudflarePause(asio::any_io_executor executor, Store& store, const Clock& clock)
      : executor_(std::move(executor)), store_(store), clock_(clock) {}

  /// What is left of it; 0: none. Never longer than an hour, whatever became of the clock.
  net::Task<Result<std::chrono::seconds>> left();
  /// Keeps that it lasts so long from now on. Goes on by itself; the store must outlive it.
  void begin(std::chrono::seconds pause);

 private:
  asio::any_io_executor executor_;
  Store& store_;
  const Clock& clock_;
};

}  // namespace dd::cp
