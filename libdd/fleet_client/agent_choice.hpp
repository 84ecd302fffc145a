// Which agent somebody means.
#pragma once

#include <string_view>
#include <vector>

#include "dd/fleet_client.hpp"

namespace dd {

/// As FleetClient::find_agent(), of a list already fetched.
[[nodiscard]] Result<AgentSummary> choose_agent(const std::vector<AgentSummary>& agents, std::string_view name);

}  // namespace dd
