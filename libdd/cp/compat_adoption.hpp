// Agents that a control plane of the earlier system has left: their tunnels stand, and they are polled here without a new registration.
#pragma once

#include <string>
#include <vector>

#include "libdd/cp/context.hpp"

namespace dd::cp {

struct AdoptedTunnel {
  std::string name;  // the agent's id there
  std::string id;
  bool operator==(const AdoptedTunnel&) const = default;
};

/// Entries are "dd-{env}-agent-…=TUNNEL_ID". Errors: invalid_argument with the entry.
[[nodiscard]] Result<std::vector<AdoptedTunnel>> adopted_tunnels(const std::vector<std::string>& entries,
                                                                 const std::string& env);

/// Use on one io thread.
class CompatAdoption {
 public:
  explicit CompatAdoption(Context& context) : context_(context), stop_(context.executor) {}

  /// Until each of DD_COMPAT_TUNNELS is taken in or refused for good, or stop(). One that does not answer is asked again.
  net::Task<void> run();
  void stop();

  /// One look: taken in, now or long ago. Errors: unavailable, when it may be better later; else what speaks against it.
  net::Task<Result<void>> adopt(AdoptedTunnel tunnel);

 private:
  net::Task<Result<void>> take_in(AdoptedTunnel tunnel);

  Context& context_;
  net::Event stop_;
  bool stopping_ = false;
};

}  // namespace dd::cp
