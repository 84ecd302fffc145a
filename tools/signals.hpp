// SIGTERM and SIGINT as a stop_token.
#pragma once

#include <stop_token>
#include <thread>

namespace dd::tools {

/// One per process. Signals stay unblocked and their actions are reset by exec, so programs that are started get them as usual. SIGPIPE
/// does nothing.
class SignalStop {
 public:
  SignalStop();
  ~SignalStop();
  SignalStop(const SignalStop&) = delete;
  SignalStop& operator=(const SignalStop&) = delete;

  /// Asked to stop by the first signal.
  [[nodiscard]] std::stop_token token() const noexcept { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  std::thread waiter_;
};

}  // namespace dd::tools
