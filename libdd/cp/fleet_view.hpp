// What the control plane knows of an agent, in the words of the pages. static/rows.js words what it polls in the same way.
#pragma once

#include <string>

#include "libdd/cp/agent_record.hpp"
#include "libdd/web/fleet_page.hpp"

namespace dd::cp {

/// `url` is that of the agent's own page.
[[nodiscard]] web::AgentRow row_of(const AgentRecord& record, std::string url);
/// Every rule of the policy with its outcome for this agent.
[[nodiscard]] std::vector<web::RuleRow> rules_of(const AgentRecord& record);
/// "2026-05-01T10:00:00Z"; empty for a time that never was.
[[nodiscard]] std::string time_text(std::int64_t unix_seconds);

}  // namespace dd::cp
