// An agent's pages: its workloads, and one of them with its log.
#pragma once

#include <string>
#include <vector>

#include "libdd/web/page.hpp"

namespace dd::web {

struct WorkloadRow {
  std::string id;
  std::string app_name;
  std::string status;
  std::string detail;  // exit code, signal or error, or empty
  std::string started_at;
  std::vector<std::string> urls;
};

struct AgentHome {
  std::string person;
  std::string vm_name;
  std::string agent_id;
  std::string integrity;      // attested, simulated
  std::string control_plane;  // its origin
  std::vector<WorkloadRow> workloads;
};
[[nodiscard]] Page workloads_page(const AgentHome& home);

struct WorkloadView {
  std::string person;
  bool simulated = false;
  WorkloadRow workload;
  std::vector<std::string> lines;  // oldest first
};
[[nodiscard]] Page workload_page(const WorkloadView& view);

}  // namespace dd::web
