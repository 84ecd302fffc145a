// The VM's load, read from /proc.
#pragma once

#include "libdd/protocol/health.hpp"

namespace dd::agent {

/// cpu_percent is the load since the previous call (since boot at the first). Values that cannot be read are 0. Not thread-safe.
[[nodiscard]] protocol::Metrics read_metrics();

}  // namespace dd::agent
