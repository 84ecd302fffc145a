// What the parts of one runtime share and never change.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <string>

#include "dd/clock.hpp"
#include "dd/enclave.hpp"
#include "dd/random.hpp"
#include "dd/secret.hpp"
#include "dd/workload.hpp"

namespace dd::enclave {

struct Settings {
  std::filesystem::path socket_path;
  std::filesystem::path data_dir;
  std::string search_path;
  std::filesystem::path simulator_file;
  std::string github_api_url;
  Secret github_token;
  std::filesystem::path ca_file;
  std::chrono::milliseconds fetch_timeout{0};
  std::filesystem::path fetch_program;  // empty: there is none
  std::filesystem::path
      other_fetch_program;  // the same where it was named; empty: it is the one that belongs to this build
  uid_t uid_base = 0;
  std::chrono::milliseconds stop_grace{0};
  bool uid_per_workload = false;  // as root
  std::vector<BootWorkload> boot_workloads;
  Secret token;  // of the workload socket
  const Clock* clock = nullptr;
  Random* random = nullptr;

  /// For health, keys and the boot event.
  [[nodiscard]] const char* boundary() const noexcept { return uid_per_workload ? "uid" : "none"; }
};

/// Options over configuration file over defaults, checked. Errors: as Enclave::create.
[[nodiscard]] Result<Settings> settings_from(const EnclaveOptions& options);

/// Of the apps among the boot workloads.
[[nodiscard]] std::set<std::string> boot_names(const Settings& settings);

}  // namespace dd::enclave
