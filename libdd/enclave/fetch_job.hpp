// A fetch that somebody else may break off: a stop, a redeploy, its deadline.
#pragma once

#include <csignal>
#include <memory>
#include <optional>

#include "libdd/enclave/child.hpp"

namespace dd::enclave {

/// Use on one io thread.
class FetchJob {
 public:
  /// The first reason counts. Kills the helper that is at work.
  void end(Error why) {
    if (!ended_) ended_ = std::move(why);
    if (child_) child_->signal_group(SIGKILL);
  }
  [[nodiscard]] const std::optional<Error>& ended() const noexcept { return ended_; }

  /// Nothing is left to end.
  void finish() noexcept { finished_ = true; }
  [[nodiscard]] bool finished() const noexcept { return finished_; }

  /// The helper that is at work, or null. One that comes too late is killed at once.
  void set_child(std::shared_ptr<Child> child) {
    child_ = std::move(child);
    if (child_ && ended_) child_->signal_group(SIGKILL);
  }

 private:
  std::optional<Error> ended_;
  std::shared_ptr<Child> child_;
  bool finished_ = false;
};

}  // namespace dd::enclave
