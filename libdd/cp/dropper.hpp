// The end of an agent: decided durably first, then its tunnel and DNS records go, then it is dropped for good.
#pragma once

#include <string>

#include "libdd/cp/context.hpp"

namespace dd::cp {

class Dropper {
 public:
  explicit Dropper(Context& context) : context_(context) {}
  /// Callers hold the agent's turn. When Cloudflare fails the agent stays `dropping` and finish() tries again.
  net::Task<Result<void>> drop(AgentRecord record, std::string reason);
  /// Removes what a `dropping` agent still has.
  net::Task<Result<void>> finish(AgentRecord record);
  /// Ingress shrinks to the agent's own host; workloads' hosts answer 404.
  net::Task<Result<void>> quarantine(AgentRecord record, std::string reason);
  /// Forgets dropped agents beyond the newest 256, and beyond the newest 4096 of those that may come back. Takes turns.
  net::Task<Result<void>> forget_old();

 private:
  Context& context_;
};

}  // namespace dd::cp
