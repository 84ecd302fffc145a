// The control plane as a library: registers agents that prove themselves, polls them, drops those that no longer can.
//
//   auto cp = dd::ControlPlane::create(std::move(options));
//   if (!cp) return report(cp.error());
//   auto ended = (*cp)->run(stop_token);   // serves until asked to stop
//
// Bring your own store with `options.registry` and your own rule for who may join with `options.admission`.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "dd/claims.hpp"
#include "dd/clock.hpp"
#include "dd/event_log.hpp"
#include "dd/http.hpp"
#include "dd/identity.hpp"
#include "dd/listen_fds.hpp"
#include "dd/policy.hpp"
#include "dd/random.hpp"
#include "dd/registry.hpp"
#include "dd/secret.hpp"
#include "dd/tunnel.hpp"

namespace dd {

class Config;

/// A registrant that passed every check of ours; what an admission hook decides on. Borrowed for the call.
struct Candidate {
  std::string vm_name;
  std::string kid;
  const TdxClaims& claims;
  const LogFacts& facts;
  const Verdict& verdict;
};

/// `power_off`: the VM too, through the dd-enclave that is its PID 1.
enum class OnReplaced { exit, power_off };

struct ControlPlaneOptions {
  /// The configuration is one of the earlier system's, which had neither DD_OWNER_ID nor a policy: the owner is looked up at start, and
  /// without a policy it is tofu, which then takes agents of such configurations too. Weaker: a login can change hands.
  bool seed_configuration = false;
  std::string env;
  Owner owner;
  /// Public host name of the control plane ("app.example.com").
  std::string hostname;
  /// Public origin as agents know it; empty: "https://" + hostname.
  std::string origin;
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;  // 0: any free one
  ListenFds listen_fds;  // "http" and "compat": in place of address and port
  std::filesystem::path state_dir =
      "state";  // relative to the working directory; dd-enclave keeps that of a boot workload

  std::string cloudflare_api_url = "https://api.cloudflare.com/client/v4";
  Secret cloudflare_api_token;
  std::string cloudflare_account_id;
  std::string cloudflare_zone_id;
  /// Registrable domain under which agents get their names.
  std::string domain;
  /// Another one for workloads, and its zone: what they answer with has no say in cookies of the control plane's domain then. Both or none.
  std::string workload_domain;
  std::string workload_zone_id;
  IngressStyle ingress_style = IngressStyle::nested;
  /// Listener for agents of the earlier system (docs/wire.md, 12): nothing on it is attested. 0: any free port.
  bool compat = false;
  std::uint16_t compat_port = 8081;
  std::string compat_hostname;  // public name of that listener; empty: none
  /// "vm=2026-12-31": who may register there, and until when.
  std::vector<std::string> compat_vms;
  /// "dd-env-agent-...=tunnel id": tunnels of agents that a control plane of the earlier system has left, taken over on the operator's word.
  std::vector<std::string> compat_tunnels;
  std::uint16_t compat_agent_port = 8080;  // where those agents listen
  /// Create a tunnel for `hostname` and run a connector for it.
  bool own_tunnel = true;
  std::vector<std::string> connector = {"cloudflared"};

  /// What the control plane proves itself with, as agents do. Without a key it cannot, and takes its host name over from no attested one.
  std::string ita_base_url = "https://api.trustauthority.intel.com";
  Secret ita_api_key;
  /// What to do when another control plane has taken the host name over.
  OnReplaced on_replaced = OnReplaced::exit;
  std::string ita_issuer = "https://portal.trustauthority.intel.com";
  std::string ita_jwks_url = "https://portal.trustauthority.intel.com/certs";
  std::string github_api_url = "https://api.github.com";
  /// Where people sign in with an app of GitHub's; without a client id there are only PATs and one-time links.
  std::string github_web_url = "https://github.com";
  std::string github_client_id;
  Secret github_client_secret;
  std::filesystem::path ca_file;
  /// Connect to every host under `domain` here and keep the Host header (names that do not resolve).
  std::string edge_url;

  /// Path of the policy file, or the word "tofu". There is no default: a control plane without a policy does not start.
  std::string policy;
  /// Accept simulated evidence. Takes a build with -Dsimulation=true besides.
  bool accept_simulated = false;

  std::chrono::milliseconds poll_interval{30'000};
  std::chrono::milliseconds poll_timeout{5'000};
  std::chrono::milliseconds refresh_interval{180'000};  // what agents are told
  std::chrono::milliseconds token_leeway{60'000};
  std::chrono::milliseconds delete_after{900'000};  // quarantined for so long: deleted
  std::chrono::milliseconds tunnel_check_after{
      60'000};  // own connector unready for so long; what was seen answers agents for so long
  std::chrono::milliseconds renew_for{std::chrono::hours(720)};  // deleted for silence or expiry: may come back so long
  std::chrono::milliseconds session_life{
      3'600'000};  // of a sign-in at our pages; membership is asked again at the next one
  std::chrono::milliseconds stop_grace{10'000};

  /// The workload socket of the VM's own runtime, for its logs and terminal at our pages; without the token there are none.
  std::filesystem::path enclave_socket = "/var/lib/easyenclave/agent.sock";
  Secret enclave_token;  // EE_TOKEN
  /// A capability descriptor from dd-enclave (DD_CAP_FD), or -1: keys in this process's memory.
  std::int64_t capability_fd = -1;

  // Seams. Left empty, the real ones are used.
  std::shared_ptr<Registry> registry;
  std::shared_ptr<HttpTransport> transport;
  const Clock* clock = nullptr;
  Random* random = nullptr;
  /// Called on the io thread after every other check; an Error refuses (reason admission_refused) with its message.
  std::function<Result<void>(const Candidate&)> admission;
  /// Called on the io thread when the server listens.
  std::function<void(std::uint16_t port)> on_listening;
};

/// Declares the DD_* variables of dd-cp with their defaults.
void declare(Config& config, ControlPlaneOptions& options);

class ControlPlane {
 public:
  /// Errors: invalid_argument (an option, the policy), unsupported (simulation without the build option).
  [[nodiscard]] static Result<std::unique_ptr<ControlPlane>> create(ControlPlaneOptions options);
  ~ControlPlane();
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  /// Serves until `stop` is requested. Blocks; one call per object. Errors: unavailable (address in use, registry).
  [[nodiscard]] Result<void> run(std::stop_token stop);

 private:
  ControlPlane();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dd
