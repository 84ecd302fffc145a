// One "VM" of a local fleet: a dd-enclave with simulated TDX and its boot workloads.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "libdd/cli/child.hpp"

namespace dd::cli {

/// Where the programs of this build are.
struct UpPrograms {
  std::filesystem::path enclave;
  std::filesystem::path cp;
  std::filesystem::path agent;
  std::filesystem::path ddctl;
  std::filesystem::path examples;  // folder of example programs
  std::filesystem::path hello_spec;
};
/// Beside this executable. Errors: not_found names what is missing.
[[nodiscard]] Result<UpPrograms> find_programs();

using Settings = std::vector<std::pair<std::string, std::string>>;

struct UpVm {
  std::string name;
  std::string role;  // "cp" or "agent"
  std::filesystem::path directory;
  std::filesystem::path simulator_file;
  int first_uid = 0;
  Settings settings;  // environment of the role's workload
  std::string releases_api_url;
  std::string extra_workloads;  // JSON array of further boot workloads, or empty
};

/// DD_ENCLAVE_PATH of every VM.
[[nodiscard]] std::string search_path(const UpPrograms& programs);
/// A JSON array: the connector, the role's own program, and what is to boot besides. Errors: of `extra_workloads`.
[[nodiscard]] Result<nlohmann::json> boot_workloads(const UpVm& vm, const UpPrograms& programs);
/// Writes the VM's configuration and boots it.
[[nodiscard]] Result<Child> boot(const UpVm& vm, const UpPrograms& programs);

}  // namespace dd::cli
