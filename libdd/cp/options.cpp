// The variables of dd-cp: name, type, default and meaning, once.
#include "dd/config.hpp"
#include "dd/control_plane.hpp"
#include "dd/workload.hpp"
#include "libdd/identity/owner_config.hpp"

namespace dd {
namespace {

Result<void> check_env_label(std::string_view value) {
  if (valid_env_label(value)) return {};
  return fail(ErrorCode::invalid_argument, "want 1 to 17 lower-case letters, digits and inner hyphens");
}

void declare_fleet(Config& config, ControlPlaneOptions& options) {
  config.text("DD_ENV", Trust::none, options.env, "environment label, at most 17 characters; part of every tunnel name",
              Presence::required, check_env_label);
  identity::declare_owner(config, options.owner);
  config.text("DD_HOSTNAME", Trust::none, options.hostname, "public host name of the control plane",
              Presence::required);
  config.text("DD_CP_ORIGIN", Trust::setting, options.origin,
              "public origin as agents know it; default https:// and the host name");
  config.text("DD_POLICY", Trust::setting, options.policy,
              "path of the policy file, or tofu; a control plane without a policy does not start",
              options.policy.empty() ? Presence::required : Presence::optional);
  config.boolean("DD_ACCEPT_SIMULATED", Trust::setting, options.accept_simulated,
                 "accept simulated evidence; only in builds with -Dsimulation=true, never in production");
}

void declare_listener(Config& config, ControlPlaneOptions& options) {
  config.text("DD_ADDRESS", Trust::none, options.address, "address to listen on");
  config.port("DD_PORT", Trust::none, options.port, "port to listen on; 0 takes any free one");
  declare(config, options.listen_fds);
  config.path("DD_STATE_DIR", Trust::none, options.state_dir,
              "directory of the registry and the connector's token file");
}

void declare_cloudflare(Config& config, ControlPlaneOptions& options) {
  config.text("DD_CF_API_URL", Trust::setting, options.cloudflare_api_url, "Cloudflare API");
  config.secret("DD_CF_API_TOKEN", Trust::none, options.cloudflare_api_token,
                "Cloudflare API token (Tunnel: Edit, DNS: Edit)", Presence::required);
  config.text("DD_CF_ACCOUNT_ID", Trust::none, options.cloudflare_account_id, "Cloudflare account", Presence::required);
  config.text("DD_CF_ZONE_ID", Trust::none, options.cloudflare_zone_id, "Cloudflare zone of DD_CF_DOMAIN",
              Presence::required);
  config.text("DD_CF_DOMAIN", Trust::none, options.domain, "domain under which agents get their names",
              Presence::required);
  config.text("DD_WORKLOAD_DOMAIN", Trust::none, options.workload_domain,
              "another registrable domain, under which workloads get their names; without it they share that of the "
              "control plane, and with it cookies");
  config.text("DD_WORKLOAD_ZONE_ID", Trust::none, options.workload_zone_id, "Cloudflare zone of DD_WORKLOAD_DOMAIN");
  config.choice("DD_ON_REPLACED", Trust::none, options.on_replaced, {"exit", "poweroff"},
                "what to do when another control plane has taken DD_HOSTNAME over: exit, or power the VM off");
  config.boolean("DD_CP_TUNNEL", Trust::none, options.own_tunnel,
                 "make a tunnel for DD_HOSTNAME and run a connector for it");
  config.argv("DD_CONNECTOR", Trust::setting, options.connector,
              "command of the tunnel connector; dd-enclave sets it to the measured one");
  config.choice("DD_INGRESS_STYLE", Trust::none, options.ingress_style, {"nested", "flat"},
                "form of workloads' hostnames: label.agent.domain or agent-label.domain");
}

void declare_compat(Config& config, ControlPlaneOptions& options) {
  config.choice("DD_COMPAT", Trust::setting, options.compat, {"off", "seed"},
                "serve agents of the earlier system, without attestation, on a listener of its own");
  config.port("DD_COMPAT_PORT", Trust::none, options.compat_port,
              "port of that listener, at DD_ADDRESS; 0 takes any free one");
  config.text("DD_COMPAT_HOSTNAME", Trust::none, options.compat_hostname,
              "public host name of that listener; without one it has none");
  config.list("DD_COMPAT_VMS", Trust::setting, options.compat_vms,
              "VMs that may register there and until when, as in vm-1=2026-12-31");
  config.list("DD_COMPAT_TUNNELS", Trust::setting, options.compat_tunnels,
              "tunnels of agents that a control plane of the earlier system has left, to be polled without a new "
              "registration, as in dd-prod-agent-UUID=TUNNEL_ID");
  config.port("DD_COMPAT_AGENT_PORT", Trust::none, options.compat_agent_port, "port on which those agents listen");
}

void declare_trust(Config& config, ControlPlaneOptions& options) {
  config.text("DD_ITA_BASE_URL", Trust::setting, options.ita_base_url, "Intel Trust Authority API");
  config.secret("DD_ITA_API_KEY", Trust::none, options.ita_api_key,
                "its attestation API key; without one the control plane cannot prove itself");
  config.text("DD_ITA_ISSUER", Trust::setting, options.ita_issuer,
              "issuer of Intel Trust Authority tokens, compared exactly");
  config.text("DD_ITA_JWKS_URL", Trust::setting, options.ita_jwks_url, "its key set");
  config.text("DD_GITHUB_API_URL", Trust::setting, options.github_api_url, "GitHub API");
  config.text("DD_GITHUB_WEB_URL", Trust::setting, options.github_web_url, "GitHub's site, where people sign in");
  config.text("DD_GITHUB_CLIENT_ID", Trust::none, options.github_client_id,
              "OAuth app or GitHub App for signing in; its callback is DD_CP_ORIGIN/auth/github/callback");
  config.secret("DD_GITHUB_CLIENT_SECRET", Trust::none, options.github_client_secret, "its client secret");
  config.path("DD_CA_FILE", Trust::setting, options.ca_file,
              "PEM file of the only authorities to trust for outbound TLS; default: the system's");
  config.text("DD_EDGE_URL", Trust::setting, options.edge_url,
              "connect to hosts under DD_CF_DOMAIN here and keep their Host header");
}

void declare_times(Config& config, ControlPlaneOptions& options) {
  config.duration("DD_SCRAPE_INTERVAL", Trust::none, options.poll_interval, "how often each agent is polled");
  config.duration("DD_POLL_TIMEOUT", Trust::none, options.poll_timeout, "deadline of one poll");
  config.duration("DD_REFRESH_INTERVAL", Trust::none, options.refresh_interval,
                  "how often agents are told to refresh their token");
  config.duration("DD_TOKEN_LEEWAY", Trust::setting, options.token_leeway,
                  "tolerance for clocks when a token's times are checked");
  config.duration("DD_DELETE_AFTER", Trust::none, options.delete_after,
                  "how long an agent may stay quarantined before it is deleted");
  config.duration("DD_TUNNEL_CHECK_AFTER", Trust::none, options.tunnel_check_after,
                  "how long the own connector must be unready before Cloudflare is asked whether the tunnel is still "
                  "there; and how long one look at the agents' tunnels answers all agents that ask");
  config.duration("DD_RENEW_FOR", Trust::none, options.renew_for,
                  "how long an agent that was deleted for silence or expiry may come back without a new credential");
  config.duration("DD_SESSION_LIFE", Trust::none, options.session_life,
                  "how long a sign-in at the pages lasts; then GitHub is asked again");
  config.duration("DD_STOP_GRACE", Trust::none, options.stop_grace,
                  "how long running requests may take when the control plane stops");
}

}  // namespace

void declare(Config& config, ControlPlaneOptions& options) {
  declare_fleet(config, options);
  declare_listener(config, options);
  declare_cloudflare(config, options);
  declare_compat(config, options);
  declare_trust(config, options);
  declare_times(config, options);
  config.path("EE_SOCKET_PATH", Trust::none, options.enclave_socket, "the workload socket of the runtime of this VM");
  config.secret(
      "EE_TOKEN", Trust::none, options.enclave_token,
      "the runtime's token, set by dd-enclave for workloads that inherit it; without it the VM's own workloads "
      "and terminal are not at the control plane's pages");
  config.integer("DD_CAP_FD", Trust::none, options.capability_fd, -1, 1'000'000,
                 "descriptor of the capability socket, set by dd-enclave");
}

}  // namespace dd
