// The workload socket's client (docs/wire.md, 8).
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dd/secret.hpp"
#include "dd/workload.hpp"
#include "libdd/enclave_client/terminal.hpp"
#include "libdd/net/task.hpp"
#include "libdd/protocol/exec.hpp"
#include "libdd/protocol/fleet.hpp"
#include "libdd/workload/deployment_choice.hpp"
#include "libdd/workload/log_lines.hpp"

namespace dd::enclave_client {

struct RuntimeHealth {
  std::string attestation_type;
  std::int64_t workloads = 0;
  std::int64_t uptime_secs = 0;
  std::string boot_id;
  std::string boundary;
};

/// Use on one io thread. Reconnects by itself; errors are unavailable when the socket is gone, else what the runtime said.
class EnclaveClient {
 public:
  EnclaveClient(net::asio::any_io_executor executor, std::filesystem::path socket, Secret token);
  EnclaveClient(const EnclaveClient&) = delete;
  EnclaveClient& operator=(const EnclaveClient&) = delete;
  ~EnclaveClient();

  net::Task<Result<RuntimeHealth>> health();
  /// The id of the new deployment; it goes on in the background.
  net::Task<Result<std::string>> deploy(DeployRequest request);
  /// The id of a new deployment of what `id` ran; see Runtime::deploy_again. Errors also: unsupported from an earlier runtime.
  net::Task<Result<std::string>> deploy_again(std::string id, std::string rollback_of);
  net::Task<Result<std::vector<DeploymentInfo>>> list();
  /// With the listeners of those that run, where the runtime can tell.
  net::Task<Result<std::vector<DeploymentInfo>>> list_with_listeners();
  enum class Until { listening, ended };
  /// Over a connection of its own. Returns when it listens on every port that it exposes, when it is over, or after `timeout`: what it is then.
  /// Errors also: unsupported from a runtime that does not know it, not_found.
  net::Task<Result<DeploymentInfo>> wait(std::string id, Until until, std::chrono::milliseconds timeout);
  net::Task<Result<void>> stop(std::string id);
  /// The last `tail` lines; with `from` the oldest `tail` whole lines from that number on.
  net::Task<Result<LogLines>> logs(std::string id, std::int64_t tail, std::optional<std::int64_t> from);

  /// As choose_deployment. No default argument: g++ 12 destroys it twice where the call is awaited.
  net::Task<Result<DeploymentInfo>> find(std::string app_name, DeploymentChoice choice);
  net::Task<Result<DeploymentInfo>> find(std::string app_name);
  /// The same lines with whose they are.
  net::Task<Result<protocol::LogsAnswer>> log_of(DeploymentInfo info, std::int64_t tail,
                                                 std::optional<std::int64_t> from);

  /// Returns when the command has ended. Over a connection of its own, as attach(): calls go on beside it. That is closed, and the command ended,
  /// when `given_up` is stopped.
  net::Task<Result<protocol::ExecAnswer>> exec(protocol::ExecRequest request, std::stop_token given_up);
  /// Commands and terminals that run now, oldest first.
  net::Task<Result<std::vector<protocol::RunningCommand>>> commands();
  /// A shell with a terminal, in a running workload; without a name in none, under a uid and in a folder of its own.
  net::Task<Result<std::shared_ptr<Terminal>>> attach(std::string app_name, protocol::WindowSize size);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dd::enclave_client
