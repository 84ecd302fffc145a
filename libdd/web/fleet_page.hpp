// The control plane's pages: the fleet, and one agent with what the policy said of it.
#pragma once

#include <string>
#include <vector>

#include "libdd/web/page.hpp"

namespace dd::web {

/// What a reader must know before he believes a page: shown in red on top.
struct FleetBanner {
  bool simulated = false;
  bool tofu = false;
};

struct RuleRow {
  std::string rule;
  std::string outcome;  // "ok", "FAIL", "warn"
  std::string explanation;
};

struct AgentRow {
  std::string agent_id;
  std::string vm_name;
  std::string hostname;
  std::string url;  // of the agent's own page
  std::string status;
  std::string reason;  // why it is not healthy, or empty
  std::string attestation;
  std::string verdict;
  std::vector<std::string> remarks;  // rules that failed, and notes
};

struct FleetView {
  std::string person;
  std::string env;
  FleetBanner banner;
  std::vector<AgentRow> agents;
};
[[nodiscard]] Page fleet_page(const FleetView& view);

struct AgentView {
  std::string person;
  FleetBanner banner;
  AgentRow agent;
  std::string registered_at;
  std::string last_seen;
  std::string kid;
  std::string mrtd;
  std::vector<std::string> workload_urls;
  std::vector<RuleRow> rules;
};
[[nodiscard]] Page agent_page(const AgentView& view);

}  // namespace dd::web
