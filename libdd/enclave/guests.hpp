// Processes beside the workloads: a command that is run to its end (exec), or one with a terminal (attach). Each is in the event log before
// it starts.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "libdd/enclave/child.hpp"
#include "libdd/enclave/deployment.hpp"
#include "libdd/enclave/executable_store.hpp"
#include "libdd/enclave/measured_log.hpp"
#include "libdd/enclave/process_family.hpp"
#include "libdd/enclave/supervisor.hpp"
#include "libdd/protocol/exec.hpp"

namespace dd::enclave {

struct GuestRequest {
  std::string type;  // of the event: exec or attach
  std::vector<std::string> cmd;
  /// The workload whose uid, environment and folder it shares, for as long as that runs. Empty: a uid and an empty folder of its own.
  std::string app_name;
  /// Root. Beside a workload that is not, it shares no more than that one's time: what lies in the folder could be run by mistake (`json.py`, `.bashrc`).
  bool privileged = false;
};

/// What becomes its standard input, output and error; see ChildSpec.
struct GuestStdio {
  UniqueFd output;
  UniqueFd error;
  UniqueFd terminal;
};

struct Guest {
  std::string id;
  GuestRequest request;
  std::string started_at;  // RFC 3339
  /// Who and where it is; no record that anybody sees.
  DeploymentPtr place = std::make_shared<Deployment>();
  Supervisor::Folder folder = Supervisor::Folder::made_new;
  DeploymentPtr host;  // none: on its own
  std::string digest;
  std::shared_ptr<Child> child;  // none: not started yet
  ProcessFamily family;
};
using GuestPtr = std::shared_ptr<Guest>;

/// Use on one io thread.
class Guests {
 public:
  /// Each holds a connection to the socket while its caller waits.
  static constexpr std::size_t kMost = 256;
  static constexpr std::size_t kMostOfApp = 128;
  /// Without a workload: each has a uid of its own while it lives.
  static constexpr std::size_t kMostAlone = 32;
  /// Room in the event log that guests leave to deploys and stops.
  static constexpr std::size_t kReservedEvents = 512;

  /// Borrows all; `on_left` is called when one is gone.
  Guests(net::asio::any_io_executor executor, net::asio::thread_pool& pool, const Settings& settings,
         const Deployments& deployments, ExecutableStore& store, MeasuredLog& log, Supervisor& supervisor,
         std::function<void()> on_left);

  /// Logs it and starts it. The caller sees it out. Errors: not_found (no such workload runs), conflict with reason reserved_name for one of the
  /// platform's, invalid_argument and unavailable.
  net::Task<Result<GuestPtr>> start(GuestRequest request, GuestStdio stdio);
  /// Returns when it and what it left behind is gone.
  net::Task<ExitStatus> see_out(GuestPtr guest);
  /// SIGHUP and SIGTERM to its group, SIGKILL after the grace. Returns when its first process has ended.
  net::Task<void> end(GuestPtr guest);
  /// Ends those of a workload whose process is gone.
  void host_ended(const Deployment& host);
  /// No more are started; returns when none is left.
  net::Task<void> shut_down();

  /// Oldest first.
  [[nodiscard]] std::vector<protocol::RunningCommand> running() const;
  /// Executables that are in use or, while `staging`, about to be.
  [[nodiscard]] bool staging() const noexcept { return staging_ > 0; }
  void add_digests(std::set<std::string>& used) const;

 private:
  [[nodiscard]] Result<DeploymentPtr> host_for(const GuestRequest& request) const;
  [[nodiscard]] Result<void> settle(Guest& guest) const;
  [[nodiscard]] Result<void> settle_alone(Guest& guest) const;
  net::Task<Result<void>> record(GuestPtr guest);
  net::Task<Result<void>> launch(GuestPtr guest, GuestStdio stdio);
  void remove(const GuestPtr& guest);

  net::asio::any_io_executor executor_;
  net::asio::thread_pool& pool_;
  const Settings& settings_;
  const Deployments& deployments_;
  ExecutableStore& store_;
  MeasuredLog& log_;
  Supervisor& supervisor_;
  std::function<void()> on_left_;
  std::vector<GuestPtr> guests_;
  net::Event left_;
  int staging_ = 0;
  bool stopping_ = false;
};

}  // namespace dd::enclave
