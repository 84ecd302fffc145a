// Wiring: the pieces of an agent in the order in which they need each other.
#include "dd/agent.hpp"

#include <unistd.h>

#include "dd/log.hpp"
#include "dd/workload.hpp"
#include "libdd/agent/context.hpp"
#include "libdd/agent/deploy_api.hpp"
#include "libdd/agent/evidence_api.hpp"
#include "libdd/agent/membership_keeper.hpp"
#include "libdd/agent/pages.hpp"
#include "libdd/agent/poll_api.hpp"
#include "libdd/agent/session_api.hpp"
#include "libdd/agent/tunnel_keeper.hpp"
#include "libdd/core/config_values.hpp"
#include "libdd/core/decimal.hpp"
#include "libdd/identity/owner_config.hpp"
#include "libdd/identity/owner_lookup.hpp"
#include "libdd/net/http_client.hpp"
#include "libdd/net/loop.hpp"
#include "libdd/net/service_runner.hpp"
#include "libdd/net/url.hpp"

namespace dd {
namespace {

using namespace dd::agent;

Result<std::vector<Expose>> fixed_extras(const std::vector<std::string>& items) {
  std::vector<Expose> extras;
  for (const auto& item : items) {
    const auto colon = item.find(':');
    Expose expose;
    expose.hostname_label = item.substr(0, colon);
    const auto port = colon == std::string::npos ? std::string() : item.substr(colon + 1);
    expose.port = decimal<std::uint16_t>(port).value_or(0);
    if (expose.port == 0 || !valid_hostname_label(expose.hostname_label))
      return fail(ErrorCode::invalid_argument, "cannot use DD_EXTRA_INGRESS: \"" + item + "\", want label:port");
    extras.push_back(std::move(expose));
  }
  return extras;
}

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

Result<void> check(AgentOptions& options) {
  if (!valid_env_label(options.env))
    return fail(ErrorCode::invalid_argument,
                "cannot use DD_ENV: want 1 to 17 lower-case letters, digits and inner hyphens");
  if (auto good = identity::check_owner(options.owner); !good) return good;
  if (options.vm_name.empty()) options.vm_name = host_name();
  if (!valid_vm_name(options.vm_name))
    return fail(ErrorCode::invalid_argument, "cannot use DD_VM_NAME: \"" + options.vm_name +
                                                 "\", want up to 63 lower-case letters, digits and inner hyphens");
  if (options.join_ticket.empty() == options.pat.empty())
    return fail(ErrorCode::invalid_argument, "cannot join a fleet: set exactly one of DD_JOIN_TICKET and DD_PAT");
  if (options.compat && options.pat.empty())
    return fail(ErrorCode::invalid_argument, "cannot use DD_COMPAT=seed: set DD_PAT, that system knows no tickets");
  if (options.capability_fd < 0)
    return fail(
        ErrorCode::invalid_argument,
        "cannot start without DD_CAP_FD: run dd-agent as a boot workload of dd-enclave with \"role\":\"agent\"");
  if (options.address != "127.0.0.1" && options.address != "0.0.0.0")
    return fail(ErrorCode::invalid_argument, "cannot use DD_ADDRESS: \"" + options.address +
                                                 "\", want 127.0.0.1, where the tunnel leads, or 0.0.0.0");
  auto origin = net::parse_url(options.cp_url);
  if (!origin) return wrap(origin.error(), "cannot use DD_CP_URL");
  options.cp_url = origin->origin();
  using namespace std::chrono_literals;
  return config_values::check_durations({{"DD_REFRESH_INTERVAL", options.refresh_interval, 10ms},
                                         {"DD_DEPLOY_WAIT", options.deploy_wait, 0ms},
                                         {"DD_STEADY_AFTER", options.steady_after, 0ms},
                                         {"DD_TUNNEL_CHECK_AFTER", options.tunnel_check_after, 10ms},
                                         {"DD_RENEW_PAUSE", options.renew_pause, 10ms},
                                         {"DD_WATCH_INTERVAL", options.watch_interval, 10ms},
                                         {"DD_STOP_GRACE", options.stop_grace, 0ms}});
}

net::HttpClientOptions client_options(const AgentOptions& options) {
  net::HttpClientOptions client;
  client.ca_file = options.ca_file;
  client.edge_url = options.edge_url;
  client.edge_domain = options.edge_domain;
  client.user_agent = "dd-agent";
  return client;
}

ita::MinterOptions minter_options(const AgentOptions& options) {
  ita::MinterOptions minter;
  minter.base_url = options.ita_base_url;
  minter.api_key = options.ita_api_key;
  return minter;
}

identity::PatVerifierOptions owner_options(const AgentOptions& options) {
  identity::PatVerifierOptions owners;
  owners.api_url = options.github_api_url;
  owners.owner = options.owner;
  return owners;
}

tunnel::ConnectorOptions connector_options(const AgentOptions& options) {
  tunnel::ConnectorOptions connector;
  connector.command = options.connector;
  connector.directory = options.state_dir / "connector";
  return connector;
}

}  // namespace

struct Agent::Impl {
  Impl(AgentOptions o, std::vector<Expose> fixed);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { io.end_tasks(); }

  net::Router routes();
  net::Task<Result<void>> start();
  net::Task<void> stop();

  AgentOptions options;
  net::Loop io;
  std::unique_ptr<enclave_client::Capability> capability;
  enclave_client::EnclaveClient runtime;
  ita::Minter minter;
  identity::PatVerifier owners;
  State state;
  Context context;
  SequenceNumbers numbers;
  CpCalls calls;
  tunnel::Connector connector;
  Exposer exposer;
  MembershipKeeper keeper;
  TunnelKeeper tunnels;
  Refresher refresher;
  PollApi polls;
  DeployApi deploys;
  EvidenceApi evidence;
  SignInApi sign_ins;
  SessionApi sessions;
  Pages pages;
  std::unique_ptr<net::HttpServer> server;
};

Agent::Impl::Impl(AgentOptions o, std::vector<Expose> fixed)
    : options(std::move(o)),
      capability(enclave_client::make_socket_capability(io.get_executor(), static_cast<int>(options.capability_fd))),
      runtime(io.get_executor(), options.enclave_socket, options.enclave_token),
      minter(options.transport, minter_options(options)),
      owners(io.get_executor(), options.transport, *options.clock, owner_options(options)),
      context{options,
              options.cp_url,
              io.get_executor(),
              *options.clock,
              *options.random,
              *options.transport,
              *capability,
              runtime,
              minter,
              owners,
              state},
      numbers(io.get_executor(), *capability),
      calls(context, numbers),
      connector(io.get_executor(), options.transport, connector_options(options)),
      exposer(context, calls, std::move(fixed), [this] { keeper.forgotten(); }),
      keeper(context, calls, exposer, connector),
      tunnels(context, calls, connector, [this] { keeper.tunnel_gone(); }),
      refresher(context),
      polls(context, numbers, exposer, refresher, [this] { keeper.unknown_key(); }),
      deploys(context, exposer),
      evidence(context),
      sign_ins(context),
      sessions(context),
      pages(context, exposer, sign_ins) {
  context.connector_version = [this] { return connector.config_version(); };
}

net::Router Agent::Impl::routes() {
  net::Router router;
  polls.add_routes(router);
  deploys.add_routes(router);
  evidence.add_routes(router);
  sign_ins.add_routes(router);
  sessions.add_routes(router);
  pages.add_routes(router);
  return router;
}

net::Task<Result<void>> Agent::Impl::start() {
  net::HttpServerOptions listener;
  listener.address = options.address;
  listener.port = options.port;
  listener.listen_fds = options.listen_fds.named("http");
  listener.max_cookie_bytes = net::kMostCookieBytes;
  server = std::make_unique<net::HttpServer>(io.get_executor(), routes(), listener);
  const auto listening = server->start();
  const auto unused = options.listen_fds.why_none("http");
  if (!listening && !unused.empty()) co_return wrap(listening.error(), unused);
  if (!listening) co_return listening;
  context.port = server->port();
  log::info("agent listening", {{"address", options.address}, {"port", context.port}});
  if (listener.listen_fds.empty())
    log::warning("a workload can take this port while the agent is not there: its boot workload has no \"listen\"",
                 {{"port", context.port}});
  if (options.on_listening) options.on_listening(context.port);

  const auto keys = co_await capability->keys();
  if (!keys) co_return wrap(keys.error(), "cannot get the VM's keys");
  state.keys = *keys;
  net::spawn(io.get_executor(), deploys.adopt(), "adoption");
  net::spawn(io.get_executor(), keeper.run(), "membership");
  net::spawn(io.get_executor(), tunnels.run(), "tunnel");
  net::spawn(io.get_executor(), refresher.run(), "token refresh");
  net::spawn(io.get_executor(), exposer.run(), "ingress");
  co_return Result<void>();
}

net::Task<void> Agent::Impl::stop() {
  keeper.stop();
  tunnels.stop();
  refresher.stop();
  exposer.stop();
  if (server) co_await server->stop(options.stop_grace);
  co_await connector.stop(options.stop_grace);
}

Agent::Agent() = default;
Agent::~Agent() = default;

Result<std::unique_ptr<Agent>> Agent::create(AgentOptions options) {
  if (options.seed_configuration) {
    if (!options.transport) options.transport = net::make_http_transport(client_options(options));
    const auto known = identity::complete_owner(*options.transport, options.github_api_url, options.owner);
    if (!known) return tl::unexpected(known.error());
  }
  if (auto good = check(options); !good) return tl::unexpected(good.error());
  auto fixed = fixed_extras(options.extra_ingress);
  if (!fixed) return tl::unexpected(fixed.error());
  if (!options.clock) options.clock = &system_clock();
  if (!options.random) options.random = &system_random();
  if (!options.transport) options.transport = net::make_http_transport(client_options(options));
  std::unique_ptr<Agent> agent(new Agent);
  agent->impl_ = std::make_unique<Impl>(std::move(options), *std::move(fixed));
  return agent;
}

Result<void> Agent::run(std::stop_token stop) {
  Impl& impl = *impl_;
  return net::run_until_stopped(
      impl.io, std::move(stop), [&impl] { return impl.start(); }, [&impl] { return impl.stop(); });
}

}  // namespace dd
