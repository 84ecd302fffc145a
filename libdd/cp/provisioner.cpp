#include "libdd/cp/provisioner.hpp"

#include <vector>

#include "dd/log.hpp"
#include "libdd/net/beside.hpp"

namespace dd::cp {

Provisioner::Provisioner(Store& store, tunnel::TunnelProvider& tunnels, Random& random, Bytes fleet_key,
                         ProvisionerOptions options)
    : store_(store),
      tunnels_(tunnels),
      random_(random),
      fleet_key_(std::move(fleet_key)),
      options_(std::move(options)) {}

std::string Provisioner::new_agent_id() { return make_tunnel_name(options_.env, "agent", fleet_key_, random_); }

std::string Provisioner::workload_host(const AgentRecord& record) const {
  if (options_.workload_domain.empty() || record.compat) return record.hostname;
  return record.agent_id + "." + options_.workload_domain;
}

Result<std::vector<std::string>> Provisioner::extra_hostnames(const AgentRecord& record) const {
  std::vector<std::string> names;
  for (const auto& extra : record.extras) {
    auto name = extra_hostname(extra.hostname_label, workload_host(record), options_.style);
    if (!name) return wrap(name.error(), "cannot name " + extra.hostname_label);
    names.push_back(*std::move(name));
  }
  return names;
}

net::Task<Result<Secret>> Provisioner::provision(AgentRecord& record) {
  JournalEntry entry{record.agent_id, record.vm_name};
  const auto journalled = co_await store_.journal_tunnel(entry);
  if (!journalled) co_return wrap(journalled.error(), "cannot journal tunnel");

  auto token = co_await build(record);
  if (token) co_return token;
  entry.tunnel_id = record.tunnel_id;
  const auto taken_back = co_await take_back(std::move(entry));
  if (!taken_back)
    log::warning("half-made tunnel stays for now", {{"tunnel", record.agent_id}, {"why", taken_back.error().message}});
  co_return token;
}

net::Task<Result<void>> Provisioner::take_back(JournalEntry entry) {
  if (store_.has_tunnel(entry.name)) co_return co_await store_.forget_tunnel(std::move(entry.name));
  if (entry.tunnel_id.empty()) {
    // A create whose answer was lost made a tunnel all the same.
    const auto tunnel = co_await tunnels_.find(entry.name);
    if (!tunnel) co_return wrap(tunnel.error(), "cannot look for half-made tunnel " + entry.name);
    if (!*tunnel) co_return Result<void>();
    entry.tunnel_id = (*tunnel)->id;
  }
  // With the id of a tunnel that is gone, a DNS record that comes late can still be found.
  const auto noted = co_await store_.journal_tunnel(entry);
  if (!noted) co_return wrap(noted.error(), "cannot journal tunnel");
  const auto removed = co_await tunnels_.remove(entry.tunnel_id, entry.name);
  if (!removed) co_return wrap(removed.error(), "cannot remove half-made tunnel " + entry.name);
  log::info("half-made tunnel removed", {{"tunnel", entry.name}, {"vm", entry.vm_name}});
  co_return Result<void>();
}

net::Task<Result<Secret>> Provisioner::build(AgentRecord& record) {
  const auto tunnel = co_await tunnels_.ensure(record.agent_id);
  if (!tunnel) co_return wrap(tunnel.error(), "cannot create tunnel");
  record.tunnel_id = tunnel->id;
  const auto published = co_await publish(record);
  if (!published) co_return tl::unexpected(published.error());
  auto token = co_await tunnels_.run_token(record.tunnel_id);
  if (!token) co_return wrap(token.error(), "cannot fetch run token");
  co_return token;
}

net::Task<Result<tunnel::ConfigVersion>> Provisioner::publish(AgentRecord record) {
  auto rules = ingress_rules(record.hostname, record.agent_port, record.extras, options_.style, workload_host(record));
  if (!rules) co_return wrap(rules.error(), "cannot publish ingress");
  std::vector<std::string> hostnames;
  for (const auto& rule : *rules) hostnames.push_back(rule.hostname);
  // Neither needs the other, and each is a call or more to Cloudflare.
  auto pointing = tunnels_.put_dns(record.tunnel_id, record.agent_id, std::move(hostnames));
  auto executor = co_await net::this_executor();
  net::Beside<Result<std::vector<tunnel::DnsRecord>>> dns(std::move(executor), std::move(pointing));
  const auto ingress = co_await tunnels_.put_ingress(record.tunnel_id, *std::move(rules));
  auto left = co_await dns.result();
  if (!ingress) co_return wrap(ingress.error(), "cannot publish ingress");
  if (!left) co_return wrap(left.error(), "cannot publish DNS records");
  // Only now: until the ingress is without them they work.
  if (left->empty()) co_return *ingress;
  const auto removed = co_await tunnels_.remove_dns(record.tunnel_id, *std::move(left));
  if (!removed) co_return wrap(removed.error(), "cannot publish DNS records");
  co_return *ingress;
}

net::Task<Result<void>> Provisioner::shrink(AgentRecord record) {
  std::vector<Expose> none;
  auto rules = ingress_rules(record.hostname, record.agent_port, none, options_.style);
  if (!rules) co_return wrap(rules.error(), "cannot shrink ingress");
  const auto ingress = co_await tunnels_.put_ingress(record.tunnel_id, *std::move(rules));
  if (!ingress) co_return tl::unexpected(ingress.error());
  co_return Result<void>();
}

net::Task<Result<void>> Provisioner::remove(AgentRecord record) {
  if (record.tunnel_id.empty()) co_return Result<void>();
  if (!record.adopted && !is_our_tunnel_name(record.agent_id, options_.env, "agent", fleet_key_))
    co_return fail(ErrorCode::permission_denied,
                   "cannot delete tunnel " + record.agent_id + ": it does not carry this fleet's mark");
  co_return co_await tunnels_.remove(record.tunnel_id, record.agent_id);
}

net::Task<Result<std::vector<tunnel::Tunnel>>> Provisioner::list() {
  auto live = co_await tunnels_.list("dd-" + options_.env + "-agent-");
  if (!live) co_return wrap(live.error(), "cannot list tunnels");
  std::erase_if(*live, [this](const tunnel::Tunnel& tunnel) {
    return !is_our_tunnel_name(tunnel.name, options_.env, "agent", fleet_key_);
  });
  co_return live;
}

}  // namespace dd::cp
