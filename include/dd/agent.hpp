// The agent as a library: proves what this VM runs, registers, keeps a tunnel up, deploys workloads for the fleet's owner.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "dd/clock.hpp"
#include "dd/error.hpp"
#include "dd/http.hpp"
#include "dd/identity.hpp"
#include "dd/listen_fds.hpp"
#include "dd/random.hpp"
#include "dd/secret.hpp"
#include "dd/tunnel.hpp"

namespace dd {

class Config;

struct AgentOptions {
  /// The configuration is one of the earlier system's, which had no DD_OWNER_ID: the owner is looked up at start.
  bool seed_configuration = false;
  std::string env;
  Owner owner;
  std::string vm_name;  // empty: this machine's host name
  /// Origin of the control plane. Its exact origin is part of what the policy checks.
  std::string cp_url;
  /// The control plane is of the earlier system (docs/wire.md, 12): it asks for no proof, so none is given. Needs `pat`.
  bool compat = false;
  /// What lets this VM join: a ticket from `ddctl agents invite`, or an owner's PAT. One of both.
  Secret join_ticket;
  Secret pat;
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;  // 0: any free one
  ListenFds listen_fds;  // "http": in place of address and port
  std::filesystem::path state_dir = "state";  // relative to the working directory

  std::filesystem::path enclave_socket = "/var/lib/easyenclave/agent.sock";
  Secret enclave_token;  // EE_TOKEN
  std::int64_t capability_fd = -1;  // DD_CAP_FD
  std::vector<std::string> connector = {"cloudflared"};  // DD_CONNECTOR, a JSON array
  std::vector<std::string> extra_ingress;  // DD_EXTRA_INGRESS, "label:port"

  std::string ita_base_url = "https://api.trustauthority.intel.com";
  Secret ita_api_key;
  std::string ita_issuer = "https://portal.trustauthority.intel.com";
  std::string github_api_url = "https://api.github.com";
  std::filesystem::path ca_file;
  std::string edge_url;
  std::string edge_domain;
  IngressStyle ingress_style = IngressStyle::nested;

  std::chrono::milliseconds refresh_interval{180'000};  // the control plane's word wins when it is shorter
  std::chrono::milliseconds deploy_wait{10'000};
  std::chrono::milliseconds steady_after{2'000};  // how long a workload that exposes nothing must run to count as ready
  std::chrono::milliseconds tunnel_check_after{
      60'000};  // a connector unready for so long: the control plane is asked to look
  std::chrono::milliseconds renew_pause{60'000};  // between registrations because the control plane forgot this agent
  std::chrono::milliseconds watch_interval{500};  // how often the runtime is asked what still runs
  std::chrono::milliseconds stop_grace{10'000};

  // Seams. Left empty, the real ones are used.
  std::shared_ptr<HttpTransport> transport;
  const Clock* clock = nullptr;
  Random* random = nullptr;
  std::function<void(std::uint16_t port)> on_listening;
};

/// Declares the DD_*, EE_* variables of dd-agent with their defaults.
void declare(Config& config, AgentOptions& options);

class Agent {
 public:
  /// Errors: invalid_argument names the option.
  [[nodiscard]] static Result<std::unique_ptr<Agent>> create(AgentOptions options);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  /// Serves and keeps trying to register until `stop` is requested. Blocks; one call per object.
  [[nodiscard]] Result<void> run(std::stop_token stop);

 private:
  Agent();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dd
