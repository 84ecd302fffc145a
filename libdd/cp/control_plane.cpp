// Wiring: the pieces of a control plane in the order in which they need each other.
#include "dd/control_plane.hpp"

#include <algorithm>
#include <stop_token>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include "dd/log.hpp"
#include "libdd/attest/policy_file.hpp"
#include "libdd/cp/agent_calls.hpp"
#include "libdd/cp/agent_link.hpp"
#include "libdd/cp/agent_sessions.hpp"
#include "libdd/cp/cloudflare_pause.hpp"
#include "libdd/cp/compat_adoption.hpp"
#include "libdd/cp/compat_api.hpp"
#include "libdd/cp/context.hpp"
#include "libdd/cp/dropper.hpp"
#include "libdd/cp/fleet_api.hpp"
#include "libdd/cp/github_sign_in.hpp"
#include "libdd/cp/own_evidence.hpp"
#include "libdd/cp/own_vm.hpp"
#include "libdd/cp/pages.hpp"
#include "libdd/cp/poller.hpp"
#include "libdd/cp/registrar.hpp"
#include "libdd/cp/self_tunnel.hpp"
#include "libdd/cp/sign_in_api.hpp"
#include "libdd/cp/sweeper.hpp"
#include "libdd/cp/take_over.hpp"
#include "libdd/cp/valid_options.hpp"
#include "libdd/crypto/hkdf.hpp"
#include "libdd/identity/owner_lookup.hpp"
#include "libdd/net/http_client.hpp"
#include "libdd/net/loop.hpp"
#include "libdd/net/service_runner.hpp"

namespace dd {
namespace {

using namespace dd::cp;

Result<Policy> load_policy(const ControlPlaneOptions& options) {
  if (options.policy.empty())
    return fail(
        ErrorCode::invalid_argument,
        "cannot start without a policy: set DD_POLICY to a policy file, or to tofu to pin what each agent shows first");
  if (options.policy == "tofu") {
    std::vector<std::string> owner_ids{std::to_string(options.owner.id)};
    if (options.seed_configuration) owner_ids.emplace_back();  // its agents are configured with the login alone
    return Policy::tofu(std::move(owner_ids), options.origin, options.accept_simulated);
  }
  const auto text = attest::read_policy_file(options.policy);
  if (!text) return tl::unexpected(text.error());
  auto policy = Policy::parse(*text);
  if (!policy) return wrap(policy.error(), "cannot use policy " + options.policy);
  return policy;
}

ita::VerifierOptions verifier_options(const ControlPlaneOptions& options) {
  ita::VerifierOptions verifier;
  verifier.issuer = options.ita_issuer;
  verifier.jwks_url = options.ita_jwks_url;
  verifier.simulated = options.accept_simulated;
  if (options.accept_simulated) verifier.attester_type = "TDX-SIMULATED";
  verifier.leeway = std::chrono::duration_cast<std::chrono::seconds>(options.token_leeway);
  return verifier;
}

identity::PatVerifierOptions owner_options(const ControlPlaneOptions& options) {
  identity::PatVerifierOptions owners;
  owners.api_url = options.github_api_url;
  owners.owner = options.owner;
  return owners;
}

tunnel::CloudflareOptions cloudflare_options(const ControlPlaneOptions& options) {
  tunnel::CloudflareOptions cloudflare;
  cloudflare.api_url = options.cloudflare_api_url;
  cloudflare.api_token = options.cloudflare_api_token;
  cloudflare.account_id = options.cloudflare_account_id;
  cloudflare.zone_id = options.cloudflare_zone_id;
  cloudflare.other_domain = options.workload_domain;
  cloudflare.other_zone_id = options.workload_zone_id;
  cloudflare.env = options.env;
  return cloudflare;
}

net::HttpClientOptions client_options(const ControlPlaneOptions& options) {
  net::HttpClientOptions client;
  client.ca_file = options.ca_file;
  client.edge_url = options.edge_url;
  client.edge_domain = options.domain;
  client.user_agent = "dd-cp";
  return client;
}

/// The fleet key marks tunnels; challenges are sealed under a key of their own. One row to write at the first start, not two.
Bytes nonce_key(ByteView fleet_key) {
  const auto prk = crypto::hkdf_extract({}, fleet_key);
  return crypto::hkdf_expand(prk, as_bytes("dd-cp nonces"), 32);
}

/// What runs between start and stop, in the order of construction.
struct Services {
  Services(ControlPlaneOptions& o, const Policy& policy, asio::io_context& io, asio::thread_pool& readers, Store& store,
           tunnel::TunnelProvider& tunnels, enclave_client::Capability& capability, const enclave_client::VmKeys& keys,
           Bytes fleet_key)
      : turns(io.get_executor()),
        nonces(nonce_key(fleet_key), *o.clock, *o.random),
        provisioner(store, tunnels, *o.random, std::move(fleet_key),
                    {o.env, o.domain, o.ingress_style, o.workload_domain}),
        tokens(io.get_executor(), o.transport, *o.clock, verifier_options(o)),
        owners(io.get_executor(), o.transport, *o.clock, owner_options(o)),
        context{o,
                o.origin,
                io.get_executor(),
                readers,
                *o.clock,
                *o.random,
                *o.transport,
                policy,
                store,
                turns,
                nonces,
                provisioner,
                tokens,
                owners,
                capability,
                keys.signing,
                keys.attestation_type},
        link(context),
        dropper(context),
        registrar(context, link, dropper),
        calls(context),
        people(context),
        api(context, dropper, people),
        own_evidence(context, o.transport),
        sign_ins(context, people, failures),
        github(context, people, failures, o.transport),
        agent_sessions(context, people),
        pages(context, people),
        own_vm(context, people),
        compat(context, link),
        adoption(context),
        poller(context, link, dropper),
        sweeper(context) {}

  net::Router routes() {
    net::Router router;
    registrar.add_routes(router);
    calls.add_routes(router);
    api.add_routes(router);
    own_evidence.add_routes(router);
    sign_ins.add_routes(router);
    github.add_routes(router);
    agent_sessions.add_routes(router);
    pages.add_routes(router);
    own_vm.add_routes(router);
    return router;
  }

  net::Turns turns;
  Nonces nonces;
  Provisioner provisioner;
  ita::Verifier tokens;
  identity::PatVerifier owners;
  Context context;
  AgentLink link;
  Dropper dropper;
  Registrar registrar;
  AgentCalls calls;
  People people;
  FleetApi api;
  OwnEvidence own_evidence;
  identity::FailureLimit failures{{}};
  SignInApi sign_ins;
  GithubSignIn github;
  AgentSessions agent_sessions;
  Pages pages;
  OwnVm own_vm;
  CompatApi compat;
  CompatAdoption adoption;
  Poller poller;
  Sweeper sweeper;
};

}  // namespace

struct ControlPlane::Impl {
  Impl(ControlPlaneOptions o, Policy p) : options(std::move(o)), policy(std::move(p)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    // Blocking work writes into coroutine frames: it has to end first.
    pool.join();
    readers.join();
    io.end_tasks();
  }

  net::Task<Result<void>> start();
  net::Task<Result<void>> connect(Bytes fleet_key);
  /// Opens the own tunnel, however long Cloudflare wants no call; or until the stop.
  net::Task<Result<void>> open_when_admitted(Bytes fleet_key);
  /// Until then, or the stop.
  net::Task<void> rest(std::chrono::milliseconds duration);
  net::Task<void> watch_tokens();
  net::Task<void> stop();
  net::Task<void> give_way();
  void leave() {
    replaced = true;
    ending.request_stop();
  }
  Result<void> prepare();
  Result<void> listen();
  [[nodiscard]] std::vector<IngressRule> own_ingress() const;

  ControlPlaneOptions options;
  Policy policy;
  net::Loop io;
  asio::thread_pool pool{1};
  asio::thread_pool readers{1};  // of large bodies, for which the registry does not wait
  std::unique_ptr<enclave_client::Capability> capability;
  std::unique_ptr<tunnel::TunnelProvider> tunnels;
  std::unique_ptr<Store> store;
  std::unique_ptr<CloudflarePause> cloudflare_pause;
  std::unique_ptr<Services> services;
  std::unique_ptr<SelfTunnel> self_tunnel;
  std::unique_ptr<TakeOver> take_over;
  std::stop_source ending;
  bool replaced = false;
  std::unique_ptr<net::HttpServer> server;
  std::unique_ptr<net::HttpServer> compat_server;
};

Result<void> ControlPlane::Impl::prepare() {
  std::error_code failed;
  std::filesystem::create_directories(options.state_dir, failed);
  if (failed)
    return fail(ErrorCode::unavailable, "cannot create " + options.state_dir.string() + ": " + failed.message());
  if (!options.clock) options.clock = &system_clock();
  if (!options.random) options.random = &system_random();
  if (!options.transport) options.transport = net::make_http_transport(client_options(options));
  if (!options.registry) {
    auto opened = open_sqlite_registry(options.state_dir / "registry.db");
    if (!opened) return tl::unexpected(opened.error());
    options.registry = *std::move(opened);
  }
  const auto executor = io.get_executor();
  capability = options.capability_fd < 0
                   ? enclave_client::make_local_capability()
                   : enclave_client::make_socket_capability(executor, static_cast<int>(options.capability_fd));
  store = std::make_unique<Store>(options.registry, pool, *options.clock, *options.random);
  cloudflare_pause = std::make_unique<CloudflarePause>(executor, *store, *options.clock);
  return {};
}

net::Task<Result<void>> ControlPlane::Impl::start() {
  const auto loaded = co_await store->load();
  if (!loaded) co_return loaded;
  const auto paused = co_await cloudflare_pause->left();
  if (!paused) co_return tl::unexpected(paused.error());
  auto cloudflare = cloudflare_options(options);
  cloudflare.paused_for = *paused;
  cloudflare.on_paused = [this](std::chrono::seconds pause) { cloudflare_pause->begin(pause); };
  tunnels = tunnel::make_cloudflare(io.get_executor(), options.transport, std::move(cloudflare));
  auto fleet_key = co_await store->secret("fleet_key");
  if (!fleet_key) co_return tl::unexpected(fleet_key.error());
  const auto keys = co_await capability->keys();
  if (!keys) co_return wrap(keys.error(), "cannot get the control plane's key");

  services = std::make_unique<Services>(options, policy, io, readers, *store, *tunnels, *capability, *keys, *fleet_key);
  const auto listening = listen();
  if (!listening) co_return listening;

  if (options.own_tunnel) {
    auto connecting = connect(*fleet_key);
    const auto connected = co_await std::move(connecting);
    if (!connected) co_return connected;
  }
  net::spawn(io.get_executor(), services->own_evidence.run(), "own evidence");
  net::spawn(io.get_executor(), services->sweeper.run(), "sweeper");
  net::spawn(io.get_executor(), services->poller.run(), "poller");
  net::spawn(io.get_executor(), watch_tokens(), "tokens of sessions");
  if (options.compat) net::spawn(io.get_executor(), services->adoption.run(), "adoption");
  co_return Result<void>();
}

net::Task<Result<void>> ControlPlane::Impl::connect(Bytes fleet_key) {
  self_tunnel = std::make_unique<SelfTunnel>(io.get_executor(), options.transport, options, *store, *tunnels);
  const auto was_replaced = co_await self_tunnel->was_replaced(services->context.cp_key.kid());
  if (!was_replaced) co_return tl::unexpected(was_replaced.error());
  if (*was_replaced) {
    log::warning("another control plane has taken the host name before this one was started again; leaving",
                 {{"hostname", options.hostname}});
    leave();
    co_return Result<void>();
  }
  auto opening = open_when_admitted(std::move(fleet_key));
  const auto opened = co_await std::move(opening);
  if (!opened || ending.stop_requested()) co_return opened;
  services->own_evidence.set_tunnel(self_tunnel->name());
  take_over = std::make_unique<TakeOver>(services->context, services->own_evidence, *self_tunnel, *tunnels,
                                         [this] { leave(); });
  const auto taken = co_await take_over->take();
  if (!taken) {
    // Nothing leads to it: whoever starts next makes one of its own.
    co_await self_tunnel->stop(options.stop_grace);
    const auto removed = co_await self_tunnel->remove();
    if (!removed) log::warning("cannot remove own tunnel", {{"why", removed.error().message}});
    co_return taken;
  }
  net::spawn(io.get_executor(), take_over->watch(), "host name");
  net::spawn(io.get_executor(), self_tunnel->keep(), "own tunnel");
  co_return Result<void>();
}

// Whoever gave up here would be started again, and ask again.
net::Task<Result<void>> ControlPlane::Impl::open_when_admitted(Bytes fleet_key) {
  while (true) {
    auto opening = self_tunnel->open(fleet_key, services->context.cp_key.kid(), *options.random, own_ingress());
    const auto opened = co_await std::move(opening);
    if (opened || opened.error().code != ErrorCode::rate_limited) co_return opened;
    const auto wait = std::max(opened.error().retry_after, std::chrono::seconds(1));
    log::warning("Cloudflare limits our calls; the host name waits for that",
                 {{"hostname", options.hostname}, {"seconds", wait.count()}});
    co_await rest(wait);
    if (ending.stop_requested()) co_return Result<void>();
  }
}

net::Task<void> ControlPlane::Impl::rest(std::chrono::milliseconds duration) {
  const auto over = std::make_shared<net::Event>(io.get_executor());
  const std::stop_callback wake(ending.get_token(), [this, over] { asio::post(io, [over] { over->notify(); }); });
  if (!ending.stop_requested()) co_await over->wait(duration);
}

net::Task<void> ControlPlane::Impl::watch_tokens() {
  while (!ending.stop_requested()) {
    co_await rest(std::chrono::minutes(1));
    if (!ending.stop_requested()) co_await services->people.check_tokens();
  }
}

Result<void> ControlPlane::Impl::listen() {
  net::HttpServerOptions listener;
  listener.address = options.address;
  listener.port = options.port;
  listener.listen_fds = options.listen_fds.named("http");
  listener.max_cookie_bytes = net::kMostCookieBytes;
  server = std::make_unique<net::HttpServer>(io.get_executor(), services->routes(), listener);
  const auto unused = options.listen_fds.why_none("http");
  if (auto listening = server->start(); !listening) return unused.empty() ? listening : wrap(listening.error(), unused);
  log::info("control plane listening",
            {{"address", options.address}, {"port", server->port()}, {"origin", options.origin}});
  if (options.compat) {
    compat_server =
        std::make_unique<net::HttpServer>(io.get_executor(), services->compat.routes(), services->compat.listener());
    if (auto listening = compat_server->start(); !listening) return listening;
    log::warning("compat listener: agents on it are not attested", {{"port", compat_server->port()}});
  }
  if (options.on_listening) options.on_listening(server->port());
  return {};
}

std::vector<IngressRule> ControlPlane::Impl::own_ingress() const {
  // Never "localhost", which is tried in both families: the other one may be somebody else's.
  const std::string host = options.address == "::1" ? "[::1]" : "127.0.0.1";
  const auto rule = [&host](const std::string& hostname, const net::HttpServer& of) {
    return IngressRule{hostname, "http://" + host + ":" + std::to_string(of.port())};
  };
  std::vector<IngressRule> rules{rule(options.hostname, *server)};
  if (compat_server && !options.compat_hostname.empty()) rules.push_back(rule(options.compat_hostname, *compat_server));
  return rules;
}

net::Task<void> ControlPlane::Impl::stop() {
  if (services) {
    services->poller.stop();
    services->sweeper.stop();
    services->adoption.stop();
    services->own_evidence.stop();
  }
  if (take_over) take_over->stop();
  if (compat_server) co_await compat_server->stop(options.stop_grace);
  if (server) co_await server->stop(options.stop_grace);
  if (self_tunnel) co_await self_tunnel->stop(options.stop_grace);
  if (replaced) co_await give_way();
}

/// Another control plane has the host name: nothing here is needed any more.
net::Task<void> ControlPlane::Impl::give_way() {
  const auto removed = co_await self_tunnel->remove();
  if (!removed) log::warning("cannot remove own tunnel", {{"why", removed.error().message}});
  if (options.on_replaced != OnReplaced::power_off) co_return;
  const auto off = co_await capability->power_off();
  if (!off) log::error("cannot power off as DD_ON_REPLACED wants", {{"why", off.error().message}});
}

ControlPlane::ControlPlane() = default;

ControlPlane::~ControlPlane() = default;

Result<std::unique_ptr<ControlPlane>> ControlPlane::create(ControlPlaneOptions options) {
  if (options.seed_configuration) {
    if (!options.transport) options.transport = net::make_http_transport(client_options(options));
    const auto known = identity::complete_owner(*options.transport, options.github_api_url, options.owner);
    if (!known) return tl::unexpected(known.error());
  }
  if (auto good = make_valid(options); !good) return tl::unexpected(good.error());
  auto policy = load_policy(options);
  if (!policy) return tl::unexpected(policy.error());
  std::unique_ptr<ControlPlane> control_plane(new ControlPlane);
  control_plane->impl_ = std::make_unique<Impl>(std::move(options), *std::move(policy));
  if (auto prepared = control_plane->impl_->prepare(); !prepared) return tl::unexpected(prepared.error());
  return control_plane;
}

Result<void> ControlPlane::run(std::stop_token stop) {
  Impl& impl = *impl_;
  const std::stop_callback forward(stop, [&impl] { impl.ending.request_stop(); });
  return net::run_until_stopped(
      impl.io, impl.ending.get_token(), [&impl] { return impl.start(); }, [&impl] { return impl.stop(); });
}

}  // namespace dd
