// Ports on the VM's loopback: whether a workload answers on one, and who holds it.
#pragma once

#include <cstdint>
#include <string>

#include "libdd/net/task.hpp"

namespace dd::agent {

/// Whether something accepts connections on 127.0.0.1 or [::1].
net::Task<bool> answers(std::uint16_t port);

/// Who listens on the port ("uid 200003"), or "" when nobody does. From /proc/net/tcp and tcp6.
[[nodiscard]] std::string holder_of(std::uint16_t port);

}  // namespace dd::agent
