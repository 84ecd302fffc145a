// Ports on the VM's loopback: whether a workload answers on one, and who holds it.
#pragma once

#include <cstdint>
#include <string>

#include "dd/workload.hpp"
#include "libdd/net/task.hpp"

namespace dd::agent {

/// Where a process of that deployment takes connections: "127.0.0.1", else "::1", empty when nowhere. Of a runtime that does not say who listens,
/// whatever process it is.
net::Task<std::string> answering_address(DeploymentInfo info, std::uint16_t port);

/// Who listens on the port ("uid 200003"), or "" when nobody does.
[[nodiscard]] std::string holder_of(std::uint16_t port);

}  // namespace dd::agent
