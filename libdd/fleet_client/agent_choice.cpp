#include "libdd/fleet_client/agent_choice.hpp"

#include <algorithm>

namespace dd {
namespace {

using Matches = std::vector<const AgentSummary*>;

bool is_dropped(const AgentSummary& agent) { return agent.status == "dropped"; }

template <class Accepts>
Matches select(const std::vector<AgentSummary>& agents, Accepts accepts) {
  Matches out;
  for (const auto& agent : agents)
    if (accepts(agent)) out.push_back(&agent);
  return out;
}

std::string names_of(const Matches& matches) {
  std::string out;
  for (const auto* agent : matches) out += (out.empty() ? "" : ", ") + agent->vm_name + " (" + agent->agent_id + ")";
  return out;
}

}  // namespace

Result<AgentSummary> choose_agent(const std::vector<AgentSummary>& agents, std::string_view name) {
  const auto is_meant = [name](const AgentSummary& agent) {
    return name.empty() || agent.vm_name == name || agent.agent_id == name || agent.hostname == name;
  };
  auto matches = select(agents, [&](const AgentSummary& agent) { return is_meant(agent) && !is_dropped(agent); });
  if (matches.empty() && !name.empty()) matches = select(agents, is_meant);

  const auto whom = name.empty() ? std::string("the fleet's only agent") : "agent \"" + std::string(name) + "\"";
  if (matches.empty()) return fail(ErrorCode::not_found, "cannot find " + whom + ": no such agent is registered");
  if (matches.size() > 1)
    return fail(ErrorCode::conflict, "cannot choose " + whom + ": name one of " + names_of(matches));
  return *matches.front();
}

}  // namespace dd
