// Waits for what becomes of a deployment: by the runtime's event, or by asking again and again where that is of an earlier version.
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <utility>

#include "dd/random.hpp"
#include "dd/workload.hpp"
#include "libdd/enclave_client/enclave_client.hpp"

namespace dd::agent {

/// Use on one io thread.
class DeploymentWatch {
 public:
  using Until = enclave_client::EnclaveClient::Until;

  struct Seen {
    // Not an aggregate (docs/adr/0002).
    Seen(DeploymentInfo i, bool r) : info(std::move(i)), ready(r) {}

    DeploymentInfo info;
    bool ready = false;
  };

  DeploymentWatch(enclave_client::EnclaveClient& runtime, Random& random) : runtime_(runtime), random_(random) {}

  /// Once it runs, and on each port that it exposes a process of its own listens and takes connections on loopback; once it is over; or after
  /// `timeout`. Errors: not_found, and what the runtime says.
  net::Task<Result<Seen>> until_ready(std::string id, std::chrono::milliseconds timeout);
  /// Once it is over, or after `timeout`.
  net::Task<Result<DeploymentInfo>> until_ended(std::string id, std::chrono::milliseconds timeout);
  /// Which of the ports under these labels another process listens on and none of its own: "port 20123 is held by a process of uid 1000". Empty when
  /// there is none, or the runtime cannot tell whose it is.
  net::Task<std::string> taken_port(DeploymentInfo info, std::set<std::string> labels);

 private:
  /// At once from a runtime that cannot wait.
  net::Task<Result<DeploymentInfo>> look(std::string id, Until until, std::chrono::milliseconds timeout);

  enclave_client::EnclaveClient& runtime_;
  Random& random_;
  bool runtime_waits_ = true;  // as far as is known
};

}  // namespace dd::agent
