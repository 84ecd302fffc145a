// One record of the runtime: a workload that was asked for, and what became of it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dd/workload.hpp"
#include "libdd/enclave/executable_store.hpp"
#include "libdd/enclave/fetcher.hpp"
#include "libdd/enclave/log_ring.hpp"
#include "libdd/enclave/platform_sockets.hpp"

namespace dd::enclave {

/// A process of a deployment; see supervisor.hpp.
struct Run;

struct Deployment {
  DeploymentInfo info;
  DeployRequest request;
  BootWorkload::Role role = BootWorkload::Role::none;
  bool inherit_token = false;
  std::vector<ListenSocket> listen;  // of a boot workload
  PlatformSockets sockets;
  StagedExecutable executable;
  FetchedRelease release;           // where that came from, with github_release
  std::shared_ptr<FetchJob> fetch;  // while it is being fetched
  LogRing log;
  std::shared_ptr<Run> run;  // none: no process
  bool stop_requested = false;
  std::chrono::steady_clock::duration ran_for{0};  // its last process
};
using DeploymentPtr = std::shared_ptr<Deployment>;

/// All records, oldest first. Finished ones of deploys are kept for a while; boot workloads stay.
class Deployments {
 public:
  static constexpr std::size_t kFinishedPerApp = 64;
  static constexpr std::size_t kFinished = 256;

  void add(DeploymentPtr deployment) { all_.push_back(std::move(deployment)); }
  [[nodiscard]] DeploymentPtr find(const std::string& id) const;
  /// Live ones of `app`.
  [[nodiscard]] std::vector<DeploymentPtr> live(const std::string& app) const;
  [[nodiscard]] bool is_boot_name(const std::string& app) const;
  [[nodiscard]] const std::vector<DeploymentPtr>& all() const noexcept { return all_; }
  /// Drops the oldest finished ones over the limits.
  void drop_old();

 private:
  std::vector<DeploymentPtr> all_;
};

}  // namespace dd::enclave
