#include "libdd/cp/provisioner.hpp"

#include "dd/log.hpp"

namespace dd::cp {

Provisioner::Provisioner(Store& store, tunnel::TunnelProvider& tunnels, Random& random, Bytes fleet_key, ProvisionerOptions options)
    : store_(store), tunnels_(tunnels), random_(random), fleet_key_(std::move(fleet_key)), options_(std::move(options)) {}

std::string Provisioner::new_agent_id() { return make_tunnel_name(options_.env, "agent", fleet_key_, random_); }

Result<std::vector<std::string>> Provisioner::extra_hostnames(const AgentRecord& record) const {
  std::vector<std::string> names;
  for (const auto& extra : record.extras) {
    auto name = extra_hostname(extra.hostname_label, record.hostname, options_.style);
    if (!name) return wrap(name.error(), "cannot name " + extra.hostname_label);
    names.push_back(*std::move(name));
  }
  return names;
}

net::Task<Result<Secret>> Provisioner::provision(AgentRecord& record) {
  JournalEntry entry{record.agent_id, record.vm_name};
  const auto journalled = co_await store_.journal_tunnel(std::move(entry));
  if (!journalled) co_return wrap(journalled.error(), "cannot journal tunnel");

  auto token = co_await build(record);
  if (token) co_return token;
  const auto taken_back = co_await take_back(record.agent_id, record.tunnel_id);
  // The journal keeps the name, and reconcile() at the next start tries again.
  if (!taken_back) log::warning("half-made tunnel stays journalled", {{"tunnel", record.agent_id}, {"why", taken_back.error().message}});
  co_return token;
}

net::Task<Result<void>> Provisioner::take_back(std::string name, std::string tunnel_id) {
  const bool half_made = store_.find(name) == nullptr;
  if (half_made && tunnel_id.empty()) {
    // A create whose answer was lost made a tunnel all the same.
    const auto tunnel = co_await tunnels_.find(name);
    if (!tunnel) co_return wrap(tunnel.error(), "cannot look for half-made tunnel " + name);
    if (*tunnel) tunnel_id = (*tunnel)->id;
  }
  if (half_made && !tunnel_id.empty()) {
    const auto removed = co_await tunnels_.remove(tunnel_id, name);
    if (!removed) co_return wrap(removed.error(), "cannot remove half-made tunnel " + name);
    log::info("half-made tunnel removed", {{"tunnel", name}});
  }
  const auto forgotten = co_await store_.forget_tunnel(name);
  if (!forgotten) co_return wrap(forgotten.error(), "cannot clear the tunnel journal");
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

net::Task<Result<void>> Provisioner::publish(AgentRecord record) {
  auto rules = ingress_rules(record.hostname, record.agent_port, record.extras, options_.style);
  if (!rules) co_return wrap(rules.error(), "cannot publish ingress");
  std::vector<std::string> hostnames;
  for (const auto& rule : *rules) hostnames.push_back(rule.hostname);
  const auto ingress = co_await tunnels_.put_ingress(record.tunnel_id, *std::move(rules));
  if (!ingress) co_return wrap(ingress.error(), "cannot publish ingress");
  const auto dns = co_await tunnels_.put_dns(record.tunnel_id, record.agent_id, std::move(hostnames));
  if (!dns) co_return wrap(dns.error(), "cannot publish DNS records");
  co_return Result<void>();
}

net::Task<Result<void>> Provisioner::shrink(AgentRecord record) {
  std::vector<Expose> none;
  auto rules = ingress_rules(record.hostname, record.agent_port, none, options_.style);
  if (!rules) co_return wrap(rules.error(), "cannot shrink ingress");
  co_return co_await tunnels_.put_ingress(record.tunnel_id, *std::move(rules));
}

net::Task<Result<void>> Provisioner::remove(AgentRecord record) {
  if (record.tunnel_id.empty()) co_return Result<void>();
  if (!is_our_tunnel_name(record.agent_id, options_.env, "agent", fleet_key_))
    co_return fail(ErrorCode::permission_denied, "cannot delete tunnel " + record.agent_id + ": it does not carry this fleet's mark");
  co_return co_await tunnels_.remove(record.tunnel_id, record.agent_id);
}

net::Task<Result<void>> Provisioner::reconcile() {
  const auto entries = co_await store_.journal();
  if (!entries) co_return wrap(entries.error(), "cannot read the tunnel journal");
  for (const auto& entry : *entries) {
    const auto taken_back = co_await take_back(entry.name, std::string());
    if (!taken_back) co_return taken_back;
  }
  const auto live = co_await tunnels_.list("dd-" + options_.env + "-agent-");
  if (!live) co_return wrap(live.error(), "cannot list tunnels");
  for (const auto& tunnel : *live)
    if (is_our_tunnel_name(tunnel.name, options_.env, "agent", fleet_key_) && store_.find(tunnel.name) == nullptr)
      log::warning("tunnel carries our mark and has no entry", {{"tunnel", tunnel.name}, {"created_at", tunnel.created_at}});
  co_return Result<void>();
}

}  // namespace dd::cp
