// Removes what a registration began and no agent came of, because it failed or the control plane died on the way.
#pragma once

#include <vector>

#include "libdd/cp/context.hpp"

namespace dd::cp {

/// Works from the journal, so it touches only what this fleet began. Use on one io thread.
class Sweeper {
 public:
  explicit Sweeper(Context& context) : context_(context) {}

  /// Until stop(): sweeps at once, and again at each poll interval.
  net::Task<void> run();
  void stop() { stopping_ = true; }

  /// One look at the journal. The first that succeeds also reports tunnels that carry our mark and that nothing here remembers.
  net::Task<Result<void>> sweep();

 private:
  net::Task<Result<void>> settle(JournalEntry entry, std::string tunnel_id);
  void report_unknown(const std::vector<tunnel::Tunnel>& ours, const std::vector<JournalEntry>& begun);

  Context& context_;
  bool reported_ = false;
  bool stopping_ = false;
};

}  // namespace dd::cp
