// A whole fleet on one machine: services, a control-plane VM, agent VMs, a real policy for this very build.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "dd/fleet_client.hpp"
#include "libdd/cli/fleet_context.hpp"
#include "libdd/cli/uid_range.hpp"
#include "libdd/cli/up_services.hpp"
#include "libdd/cli/up_vm.hpp"

namespace dd::cli {

struct UpOptions {
  int agents = 1;
  std::uint16_t port = 0;
  std::filesystem::path home;  // empty: a temporary directory that is removed at the end
  std::filesystem::path control_plane;  // empty: dd-cp of this build
  Settings cp_settings;        // on top of, and instead of, what up chooses
  Settings agent_settings;
  std::filesystem::path releases;  // folder OWNER/REPO/TAG/ASSET of what workloads may be fetched from; empty: nothing
  std::string boot_workloads;  // JSON array, further boot workloads of each agent VM
  std::int64_t token_lifetime_secs = 300;
};

class UpFleet {
 public:
  explicit UpFleet(UpOptions options);
  ~UpFleet();
  UpFleet(const UpFleet&) = delete;
  UpFleet& operator=(const UpFleet&) = delete;

  /// Returns when every agent is registered and reachable. Errors: what went wrong, with the last lines of the VM at fault.
  [[nodiscard]] Result<void> start();
  /// Stops everything and removes a temporary home.
  void stop();
  /// The name of a VM that ended by itself, or "".
  [[nodiscard]] std::string ended_vm();

  [[nodiscard]] const FleetContext& context() const noexcept { return context_; }
  [[nodiscard]] const FleetClient& client() const { return *client_; }
  [[nodiscard]] const UpPrograms& programs() const noexcept { return programs_; }
  [[nodiscard]] const std::filesystem::path& home() const noexcept { return home_; }

 private:
  struct Running {
    UpVm vm;
    Child child;
  };

  [[nodiscard]] Result<void> prepare_home();
  [[nodiscard]] Result<void> start_services();
  [[nodiscard]] Result<void> write_policy();
  [[nodiscard]] Result<void> boot_vm(std::string name, const std::string& role, Settings settings);
  [[nodiscard]] Result<void> boot_cp();
  [[nodiscard]] Result<void> boot_agents();
  [[nodiscard]] Result<void> wait_until_ready();
  [[nodiscard]] Settings cp_settings() const;
  [[nodiscard]] Settings agent_settings(const std::string& name, const Secret& ticket) const;
  [[nodiscard]] std::string last_lines() const;

  UpOptions options_;
  UidRange uids_;
  UpPrograms programs_;
  std::filesystem::path home_;
  bool temporary_home_ = false;
  std::unique_ptr<UpServices> services_;
  std::filesystem::path simulator_file_;
  std::filesystem::path policy_file_;
  std::vector<Running> vms_;
  FleetContext context_;
  std::unique_ptr<FleetClient> client_;
};

}  // namespace dd::cli
