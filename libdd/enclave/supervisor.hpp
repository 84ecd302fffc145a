// Starts the process of a deployment, reads what it writes, and sees it and everything it left behind to its end.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "libdd/enclave/capability_server.hpp"
#include "libdd/enclave/child.hpp"
#include "libdd/enclave/cleaner.hpp"
#include "libdd/enclave/data_dir.hpp"
#include "libdd/enclave/deployment.hpp"
#include "libdd/enclave/process_family.hpp"
#include "libdd/enclave/settings.hpp"
#include "libdd/enclave/uid_pool.hpp"
#include "libdd/net/task.hpp"

namespace dd::enclave {

/// Use on one io thread.
class Supervisor {
 public:
  using Ended = std::function<void(DeploymentPtr)>;

  /// Borrows all; `on_ended` is called when no process of a deployment is left and its record says so.
  Supervisor(net::asio::any_io_executor executor, Cleaner& cleaner, const Settings& settings, const DataDir& data,
             CapabilityServer& capability, Ended on_ended);

  /// The argv prefix that agents and control planes run their connector with.
  void set_connector(const std::vector<std::string>& argv);

  /// From its staged executable. Returns when it runs. Errors: unavailable with the step that failed, conflict (its work directory).
  net::Task<Result<void>> start(DeploymentPtr deployment);
  /// SIGTERM to the group, SIGKILL to whatever is left after the grace. Returns when no process is left.
  net::Task<void> halt(DeploymentPtr deployment);

  struct Place {
    Identity identity;
    std::vector<std::string> environment;
    std::filesystem::path work_dir;
  };
  /// none: the working directory is `/` and HOME root's.
  enum class Folder { as_it_is, made_new, none };
  /// Where a process beside the workloads runs: as one of `guest.info.app_name`, whose uid is held until it is given back. Errors: unavailable.
  [[nodiscard]] Result<Place> place_for(const Deployment& guest, Folder folder);
  void give_back_uid(const Deployment& deployment);
  /// The same once its processes are gone: the last one of an app leaves nothing in shared folders.
  net::Task<void> leave(DeploymentPtr deployment);

 private:
  void clear_work(const std::string& app) const;
  [[nodiscard]] Result<Identity> identity_of(const Deployment& deployment);
  [[nodiscard]] std::vector<std::string> environment_of(const Deployment& deployment, const std::string& home) const;
  [[nodiscard]] Result<std::filesystem::path> work_of(const Deployment& deployment, const Identity& identity) const;
  /// What its process inherits: its sockets, and a capability socket where its role has one.
  [[nodiscard]] Result<void> hand_down(const Deployment& deployment, Run& run, ChildSpec& spec);
  /// Our end of what it writes to; the other goes into `spec`.
  [[nodiscard]] static Result<UniqueFd> open_output(const Deployment& deployment, ChildSpec& spec);
  net::Task<Result<void>> launch(DeploymentPtr deployment, Identity identity);
  net::Task<void> read_output(DeploymentPtr deployment, std::shared_ptr<Run> run);
  net::Task<void> see_to_the_end(DeploymentPtr deployment, std::shared_ptr<Run> run);
  net::Task<void> clear_leftovers(std::shared_ptr<Run> run);
  /// What lives under the same uid and is not to go with it.
  [[nodiscard]] std::vector<ProcessFamily> families_beside(const Run& run) const;

  net::asio::any_io_executor executor_;
  Cleaner& cleaner_;
  const Settings& settings_;
  const DataDir& data_;
  CapabilityServer& capability_;
  Ended on_ended_;
  net::Event cleaned_;
  std::set<std::string> being_cleaned_;  // apps
  UidPool uids_;
  std::vector<std::weak_ptr<Run>> runs_;
  std::string connector_;  // JSON array
};

}  // namespace dd::enclave
