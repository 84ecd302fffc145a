#include "libdd/cli/doctor.hpp"

namespace dd::cli {
namespace {

std::string counted(std::size_t count, const char* what) { return std::to_string(count) + " " + what; }

Check check_agent(const AgentSummary& agent) {
  const auto what = "agent " + agent.vm_name;
  if (agent.status == "healthy" && agent.compat)
    return {Health::doubtful, what, "healthy, not attested",
            "move it to dd-agent: DD_COMPAT is for the time of the move"};
  if (agent.status == "healthy") return {Health::good, what, "healthy", {}};
  const auto found = agent.status + (agent.reason.empty() ? "" : ": " + agent.reason);
  return {Health::doubtful, what, found, "look at the logs of its dd-agent; revoke it when the machine is gone"};
}

void check_credential(const FleetClient& client, std::vector<Check>& checks) {
  const auto agents = client.agents();
  if (!agents) {
    checks.push_back({Health::bad, "credential", agents.error().message,
                      "give a PAT of the fleet's owner with DD_PAT_FILE; for an organisation it needs read:org"});
    return;
  }
  checks.push_back({Health::good, "credential", "accepted", {}});
  std::size_t live = 0;
  for (const auto& agent : *agents) {
    if (agent.status == "dropped" || agent.status == "dropping") continue;
    ++live;
    checks.push_back(check_agent(agent));
  }
  if (live == 0)
    checks.push_back(
        {Health::doubtful, "agents", "none", "ddctl agents invite makes the ticket with which a VM joins"});
  else
    checks.push_back({Health::good, "agents", counted(live, "in the fleet"), {}});
}

}  // namespace

std::vector<Check> check_fleet(const FleetClient& client) {
  const auto health = client.health();
  if (!health)
    return {{Health::bad, "control plane", health.error().message,
             "check DD_CP_URL; a 530 means that its connector is not running"}};
  std::vector<Check> checks{{Health::good, "control plane", health->hostname + ", version " + health->version, {}}};
  if (health->simulated)
    checks.push_back({Health::doubtful, "evidence", "simulated evidence is accepted: nothing is attested",
                      "start dd-cp without DD_ACCEPT_SIMULATED"});
  if (health->policy == "tofu")
    checks.push_back({Health::doubtful, "policy", "tofu: the first to come under a VM name is trusted",
                      "give dd-cp a policy file (DD_POLICY)"});
  else
    checks.push_back({Health::good, "policy", health->policy, {}});
  check_credential(client, checks);
  return checks;
}

}  // namespace dd::cli
