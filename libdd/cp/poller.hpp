// Polls every agent at each interval and acts on what it finds: healthy, quarantined, dropped, deleted, taken back.
#pragma once

#include "libdd/cp/agent_link.hpp"
#include "libdd/cp/dropper.hpp"

namespace dd::cp {

class Poller {
 public:
  Poller(Context& context, AgentLink& link, Dropper& dropper) : context_(context), link_(link), dropper_(dropper) {}

  /// Until stop(). The first round starts at once, so that a restarted control plane knows its agents soon.
  net::Task<void> run();
  void stop() { stopping_ = true; }
  /// Polls every agent once.
  net::Task<void> round();

 private:
  net::Task<void> worker(std::vector<std::string>& ids);
  net::Task<void> visit(std::string agent_id);
  net::Task<Result<void>> act(AgentRecord before, PollOutcome outcome);
  net::Task<Result<void>> settle_silent(AgentRecord record, std::string reason);
  net::Task<Result<void>> take_back(AgentRecord record);
  net::Task<Result<void>> housekeeping();

  Context& context_;
  AgentLink& link_;
  Dropper& dropper_;
  bool stopping_ = false;
};

}  // namespace dd::cp
