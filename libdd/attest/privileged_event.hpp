// Which events of a log let something into the VM that can impersonate its agent.
#pragma once

#include "libdd/core/json.hpp"

namespace dd::attest {

/// What is privileged; and a boot workload with the runtime's token, which can act in every workload, but for the agent, for which a policy has rules, and a
/// control plane. That one counts as well where there is an agent in the same VM (log_facts).
[[nodiscard]] bool starts_privileged(ObjectReader& event);

}  // namespace dd::attest
