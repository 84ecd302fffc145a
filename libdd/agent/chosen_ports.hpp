// Ports that a request leaves to the platform.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "dd/random.hpp"
#include "dd/workload.hpp"

namespace dd::agent {

/// First and last; what the kernel gives to outgoing connections lies elsewhere.
inline constexpr std::uint16_t kFirstChosenPort = 20'000;
inline constexpr std::uint16_t kLastChosenPort = 29'999;

/// The request with a number for each port that is 0, none of them twice, and with the variables that hand them over: PORT (of the first) and
/// PORT_<LABEL> (upper case, '_' for '-'), in front of its own. `is_free` is asked for each candidate. Errors: invalid_argument when the request sets
/// one of these variables itself; unavailable when no port is left.
[[nodiscard]] Result<DeployRequest> with_chosen_ports(DeployRequest request,
                                                      const std::function<bool(std::uint16_t)>& is_free,
                                                      Random& random);

/// Whether a process of this one could listen there on any address, and the kernel does not give it to outgoing connections.
[[nodiscard]] bool can_be_bound(std::uint16_t port);

}  // namespace dd::agent
