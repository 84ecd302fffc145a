// The runtime's acts: boot, deploy, stop. Each is in the event log before it happens.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dd/workload.hpp"
#include "libdd/enclave/data_dir.hpp"
#include "libdd/enclave/deployment.hpp"
#include "libdd/enclave/executable_store.hpp"
#include "libdd/enclave/fetcher.hpp"
#include "libdd/enclave/guests.hpp"
#include "libdd/enclave/measured_log.hpp"
#include "libdd/enclave/settings.hpp"
#include "libdd/enclave/socket_holders.hpp"
#include "libdd/enclave/supervisor.hpp"
#include "libdd/enclave/tool_links.hpp"
#include "libdd/enclave/vm_keys.hpp"
#include "libdd/net/backoff.hpp"
#include "libdd/net/turns.hpp"

namespace dd::enclave {

/// Use on one io thread.
class Runtime {
 public:
  /// Deploys that have not come to run yet; more are refused.
  static constexpr std::size_t kMaxPending = 64;

  Runtime(net::asio::any_io_executor executor, net::asio::thread_pool& pool, Cleaner& cleaner, const Settings& settings,
          const DataDir& data, const VmKeys& keys, MeasuredLog& log, CapabilityServer& capability);

  /// Logs the boot and starts the boot workloads: the connector is staged, then control plane, agent, the rest. Deploys wait for it.
  net::Task<void> boot();
  /// Ends every workload, all at once.
  net::Task<void> shut_down();

  /// The id; the work goes on in the background. Errors: conflict with reason reserved_name; unavailable.
  [[nodiscard]] Result<std::string> deploy(DeployRequest request);
  /// The id of a new deployment of what `id` ran: the same request, and the very same bytes. `rollback_of` goes into its record and event; may be
  /// empty. Errors also: not_found, conflict when that one never came to run.
  [[nodiscard]] Result<std::string> deploy_again(const std::string& id, std::string rollback_of);
  /// Returns when no process is left. Errors: not_found, conflict (not live, or reserved_name).
  net::Task<Result<void>> stop(std::string id);

  enum class Until { listening, ended };
  /// Returns when it listens on every port that it exposes, when it is over, or after `timeout`: its record then, with listeners. Errors: not_found.
  net::Task<Result<DeploymentInfo>> wait(std::string id, Until until, std::chrono::milliseconds timeout);
  /// Every record, with the listeners of those that run.
  net::Task<std::vector<DeploymentInfo>> with_listeners();

  /// A command beside the workloads; see guests(). Errors also: unavailable before the boot workloads were started.
  net::Task<Result<GuestPtr>> start_guest(GuestRequest request, GuestStdio stdio);
  [[nodiscard]] Guests& guests() noexcept { return guests_; }

  [[nodiscard]] const Deployments& deployments() const noexcept { return deployments_; }
  /// Whether a live boot workload that may use the socket runs as `uid`.
  [[nodiscard]] bool is_trusted(uid_t uid) const;
  /// Whether that is the uid of a running agent or control plane.
  [[nodiscard]] bool is_platform(uid_t uid) const;

 private:
  [[nodiscard]] DeploymentPtr new_record(DeployRequest request) const;
  [[nodiscard]] Result<void> admit(const std::string& app_name) const;
  std::string begin(DeploymentPtr deployment);
  void add_boot_records();
  void open_sockets(Deployment& deployment, const BootWorkload& workload);
  net::Task<Result<void>> log_boot();
  net::Task<void> start_boot_workload(DeploymentPtr deployment);
  net::Task<Result<void>> bring_up(DeploymentPtr deployment);
  net::Task<void> restart(DeploymentPtr deployment);
  net::Task<void> carry_out(DeploymentPtr deployment);
  net::Task<Result<void>> replace(DeploymentPtr deployment);
  net::Task<Result<void>> stage(DeploymentPtr deployment);
  net::Task<Result<void>> stage_release(DeploymentPtr deployment);
  net::Task<Result<void>> stage_program(DeploymentPtr deployment);
  net::Task<Result<void>> stage_at_boot(DeploymentPtr deployment);
  void break_off_fetch(Deployment& deployment);
  void break_off_fetches_of(const std::string& app);
  [[nodiscard]] static std::vector<ToolLinks::Tool> tools_of(const Deployment& deployment);
  [[nodiscard]] Result<void> offer_tools(Deployment& deployment);
  [[nodiscard]] std::vector<SocketHolder> socket_holders() const;
  /// As it is once its first process itself listens wherever it should; nothing where that is not so, and its whole family is to be asked.
  net::Task<std::optional<DeploymentInfo>> when_leader_listens(DeploymentPtr deployment);
  net::Task<void> log_stop_and_halt(DeploymentPtr deployment);
  void ended(DeploymentPtr deployment);
  void tidy();
  [[nodiscard]] Json event_of(const Deployment& deployment) const;

  net::asio::any_io_executor executor_;
  net::asio::thread_pool& pool_;
  Cleaner& cleaner_;
  const Settings& settings_;
  const VmKeys& keys_;
  MeasuredLog& log_;
  ExecutableStore store_;
  ReleaseTrees trees_;
  ToolLinks tools_;
  Fetcher fetcher_;
  Supervisor supervisor_;
  Deployments deployments_;
  Guests guests_;
  net::Turns turns_;
  net::Event changed_;
  net::Event shutting_down_;
  std::map<std::string, net::Backoff> restarts_;  // by id
  std::optional<Error> boot_failure_;
  std::map<std::string, Error> socket_failures_;  // of boot workloads, by id
  bool booted_ = false;
  bool stopping_ = false;
};

}  // namespace dd::enclave
