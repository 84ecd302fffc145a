// The VM's load, read from /proc.
#pragma once

#include <vector>

#include "libdd/protocol/health.hpp"
#include "libdd/protocol/seed_agent.hpp"

namespace dd::agent {

/// cpu_percent is the load since the previous call (since boot at the first). Values that cannot be read are 0. Not thread-safe.
[[nodiscard]] protocol::Metrics read_metrics();
/// Network interfaces, the loopback left out; counters since boot.
[[nodiscard]] std::vector<protocol::Interface> read_interfaces();
/// Mounted file systems that hold data, each mount point once.
[[nodiscard]] std::vector<protocol::Disk> read_disks();

}  // namespace dd::agent
