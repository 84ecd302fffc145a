// The pages of a VM's workloads: all of them, and one with its log.
#pragma once

#include <string>
#include <vector>

#include "dd/workload.hpp"
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
/// Without URLs.
[[nodiscard]] WorkloadRow row_of(const DeploymentInfo& info);

/// Where the workloads of one VM are to be had; an agent's, unless something else is said.
struct WorkloadPlaces {
  std::string list = "/deployments";  // as JSON
  std::string pages = "/workload/";   // before the key of one
  bool by_name = false;               // its key is the app's name, not the deployment's id
};

struct AgentHome {
  std::string person;
  std::string vm_name;
  std::string agent_id;
  std::string integrity;      // attested, simulated
  std::string control_plane;  // its origin
  std::vector<WorkloadRow> workloads;
  WorkloadPlaces places = {};
  std::string terminal = {};  // path of one that is in no workload, or empty
};
[[nodiscard]] Page workloads_page(const AgentHome& home);

struct WorkloadView {
  std::string person;
  bool simulated = false;
  WorkloadRow workload;
  std::vector<std::string> lines;  // oldest first
  std::string home = "/";          // path of the page of all
  std::string log = {};            // path of the same lines as JSON
  std::string terminal = {};       // path of its terminal, or empty
};
[[nodiscard]] Page workload_page(const WorkloadView& view);

}  // namespace dd::web
