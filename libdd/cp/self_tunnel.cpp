#include "libdd/cp/self_tunnel.hpp"

namespace dd::cp {
namespace {

constexpr const char* kTunnelName = "own_tunnel";

tunnel::ConnectorOptions connector_options(const ControlPlaneOptions& options) {
  tunnel::ConnectorOptions connector;
  connector.command = options.connector;
  connector.directory = options.state_dir / "connector";
  return connector;
}

}  // namespace

SelfTunnel::SelfTunnel(asio::any_io_executor executor, std::shared_ptr<HttpTransport> transport,
                       const ControlPlaneOptions& options, Store& store, tunnel::TunnelProvider& tunnels)
    : options_(options),
      store_(store),
      tunnels_(tunnels),
      connector_(std::move(executor), std::move(transport), connector_options(options)) {}

net::Task<Result<void>> SelfTunnel::start(Bytes fleet_key, Random& random, std::vector<IngressRule> rules) {
  auto known = co_await store_.setting(kTunnelName);
  if (!known) co_return wrap(known.error(), "cannot read own tunnel's name");
  std::string name = known->value_or("");
  if (name.empty()) {
    name = make_tunnel_name(options_.env, "cp", fleet_key, random);
    const auto kept = co_await store_.set_setting(kTunnelName, name);
    if (!kept) co_return wrap(kept.error(), "cannot keep own tunnel's name");
  }
  const auto made = co_await tunnels_.ensure(name);
  if (!made) co_return wrap(made.error(), "cannot create own tunnel");
  std::vector<std::string> hostnames;
  hostnames.reserve(rules.size());
  for (const auto& rule : rules) hostnames.push_back(rule.hostname);
  const auto ingress = co_await tunnels_.put_ingress(made->id, std::move(rules));
  if (!ingress) co_return wrap(ingress.error(), "cannot publish own ingress");
  const auto dns = co_await tunnels_.put_dns(made->id, name, std::move(hostnames));
  if (!dns) co_return wrap(dns.error(), "cannot publish own DNS record");
  auto token = co_await tunnels_.run_token(made->id);
  if (!token) co_return wrap(token.error(), "cannot fetch own run token");
  co_return connector_.start(*std::move(token));
}

net::Task<void> SelfTunnel::stop(std::chrono::milliseconds grace) { co_await connector_.stop(grace); }

}  // namespace dd::cp
