// The variables of dd-agent: name, type, default and meaning, once.
#include "dd/agent.hpp"
#include "dd/config.hpp"
#include "libdd/identity/owner_config.hpp"

namespace dd {
namespace {

void declare_fleet(Config& config, AgentOptions& options) {
  config.text("DD_ENV", Trust::none, options.env, "environment label of the fleet", Presence::required);
  identity::declare_owner(config, options.owner);
  config.text("DD_VM_NAME", Trust::none, options.vm_name, "name of this VM in the fleet; default: its host name");
  config.text("DD_CP_URL", Trust::rule, options.cp_url, "origin of the control plane", Presence::required);
  config.choice(
      "DD_COMPAT", Trust::rule, options.compat, {"off", "seed"},
      "seed: the control plane is of the earlier system; this VM's token is public then, and nothing is proven");
  config.secret("DD_JOIN_TICKET", Trust::none, options.join_ticket, "join ticket from ddctl agents invite");
  config.secret("DD_PAT", Trust::none, options.pat, "an owner's PAT, instead of a ticket");
}

void declare_local(Config& config, AgentOptions& options) {
  config.text("DD_ADDRESS", Trust::none, options.address,
              "address to listen on: 127.0.0.1, where the tunnel leads, or 0.0.0.0");
  config.port("DD_PORT", Trust::none, options.port, "port to listen on; 0 takes any free one");
  declare(config, options.listen_fds);
  config.path("DD_STATE_DIR", Trust::none, options.state_dir, "directory of the connector's token file");
  config.path("EE_SOCKET_PATH", Trust::none, options.enclave_socket, "the runtime's workload socket");
  config.secret("EE_TOKEN", Trust::none, options.enclave_token,
                "the runtime's token, set by dd-enclave for workloads that inherit it");
  config.integer("DD_CAP_FD", Trust::none, options.capability_fd, -1, 1'000'000,
                 "descriptor of the capability socket, set by dd-enclave");
  config.argv("DD_CONNECTOR", Trust::setting, options.connector,
              "command of the tunnel connector; dd-enclave sets it to the measured one");
  config.list("DD_EXTRA_INGRESS", Trust::none, options.extra_ingress, "further ports to expose, label:port");
  config.choice("DD_INGRESS_STYLE", Trust::none, options.ingress_style, {"nested", "flat"},
                "form of workloads' hostnames; the control plane decides");
}

void declare_trust(Config& config, AgentOptions& options) {
  config.text("DD_ITA_BASE_URL", Trust::none, options.ita_base_url, "Intel Trust Authority API");
  config.secret("DD_ITA_API_KEY", Trust::none, options.ita_api_key, "its attestation API key", Presence::required);
  config.text("DD_GITHUB_API_URL", Trust::setting, options.github_api_url, "GitHub API");
  config.path("DD_CA_FILE", Trust::setting, options.ca_file,
              "PEM file of the only authorities to trust for outbound TLS; default: the system's");
  config.text("DD_EDGE_URL", Trust::setting, options.edge_url,
              "connect to hosts under DD_CF_DOMAIN here and keep their Host header");
  config.text("DD_CF_DOMAIN", Trust::none, options.edge_domain, "domain of the fleet's hosts, for DD_EDGE_URL");
}

}  // namespace

void declare(Config& config, AgentOptions& options) {
  declare_fleet(config, options);
  declare_local(config, options);
  declare_trust(config, options);
  config.duration("DD_REFRESH_INTERVAL", Trust::none, options.refresh_interval,
                  "how often the token is refreshed; the control plane's word wins when it is shorter");
  config.duration("DD_DEPLOY_WAIT", Trust::none, options.deploy_wait,
                  "how long POST /deploy waits for a workload to be ready and public; ?wait= says otherwise");
  config.duration("DD_STEADY_AFTER", Trust::none, options.steady_after,
                  "how long a workload that exposes nothing must run to count as ready");
  config.duration(
      "DD_RENEW_PAUSE", Trust::none, options.renew_pause,
      "least time between two registrations because the control plane said that it does not know this agent; "
      "doubles to ten times as much while it is not polled");
  config.duration(
      "DD_TUNNEL_CHECK_AFTER", Trust::none, options.tunnel_check_after,
      "how long the connector must be unready before the control plane is asked whether the tunnel is still "
      "there; up to as much again passes, so that a fleet does not ask at once");
  config.duration("DD_WATCH_INTERVAL", Trust::none, options.watch_interval,
                  "how often the runtime is asked what still runs");
  config.duration("DD_STOP_GRACE", Trust::none, options.stop_grace,
                  "how long running requests may take when the agent stops");
}

}  // namespace dd
