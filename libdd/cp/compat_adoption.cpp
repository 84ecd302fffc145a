#include "libdd/cp/compat_adoption.hpp"

#include <algorithm>
#include <utility>

#include "dd/log.hpp"
#include "libdd/cp/compat_admission.hpp"
#include "libdd/cp/compat_poll.hpp"
#include "libdd/net/backoff.hpp"
#include "libdd/tunnel/cloudflare_tunnels.hpp"

namespace dd::cp {
namespace {

constexpr std::chrono::minutes kLongestRest{10};

bool may_be_better_later(const Error& error) {
  return error.code == ErrorCode::unavailable || error.code == ErrorCode::rate_limited ||
         error.code == ErrorCode::deadline_exceeded || error.code == ErrorCode::upstream;
}

}  // namespace

Result<std::vector<AdoptedTunnel>> adopted_tunnels(const std::vector<std::string>& entries, const std::string& env) {
  std::vector<AdoptedTunnel> tunnels;
  for (const auto& text : entries) {
    const auto at = text.find('=');
    AdoptedTunnel tunnel{text.substr(0, at), at == std::string::npos ? "" : text.substr(at + 1)};
    if (!tunnel.name.starts_with("dd-" + env + "-agent-") || !valid_vm_name(tunnel.name) ||
        !tunnel::is_tunnel_id(tunnel.id))
      return fail(ErrorCode::invalid_argument, "cannot use DD_COMPAT_TUNNELS: \"" + text +
                                                   "\" is no agent of DD_ENV with its tunnel's id, as in dd-" + env +
                                                   "-agent-UUID=TUNNEL_ID");
    tunnels.push_back(std::move(tunnel));
  }
  return tunnels;
}

net::Task<void> CompatAdoption::run() {
  // Entries that are none were refused at the start.
  auto left =
      adopted_tunnels(context_.options.compat_tunnels, context_.options.env).value_or(std::vector<AdoptedTunnel>());
  net::Backoff pause({context_.options.poll_interval, kLongestRest}, context_.random);
  while (!stopping_ && !left.empty()) {
    std::vector<AdoptedTunnel> later;
    for (auto& tunnel : left) {
      const auto done = co_await adopt(tunnel);
      if (stopping_) co_return;
      if (done) continue;
      const bool again = may_be_better_later(done.error());
      log::warning(again ? "cannot take an agent over yet" : "an agent is not taken over",
                   {{"agent", tunnel.name}, {"why", done.error().message}});
      if (again) later.push_back(std::move(tunnel));
    }
    left = std::move(later);
    if (!left.empty()) co_await stop_.wait(pause.next());
  }
}

void CompatAdoption::stop() {
  stopping_ = true;
  stop_.notify();
}

net::Task<Result<void>> CompatAdoption::adopt(AdoptedTunnel tunnel) {
  if (context_.store.find(tunnel.name) != nullptr) co_return Result<void>();
  const auto found = co_await context_.provisioner.find(tunnel.name);
  if (!found) co_return wrap(found.error(), "cannot look for its tunnel");
  if (!*found || (*found)->id != tunnel.id)
    co_return fail(ErrorCode::not_found, "cannot find a tunnel " + tunnel.name + " with the id " + tunnel.id);
  auto taking = take_in(std::move(tunnel));
  co_return co_await std::move(taking);
}

net::Task<Result<void>> CompatAdoption::take_in(AdoptedTunnel tunnel) {
  AgentRecord record;
  record.agent_id = std::move(tunnel.name);
  record.tunnel_id = std::move(tunnel.id);
  record.adopted = true;
  record.hostname = context_.provisioner.hostname_of(record.agent_id);
  record.agent_port = context_.options.compat_agent_port;
  auto health = co_await ask_compat_health(context_, record.hostname);
  if (!health) co_return tl::unexpected(health.error());
  record.vm_name = health->vm_name;
  record.extras = std::move(health->extra_ingress);

  const auto turn = co_await context_.turns.take(record.vm_name);
  const auto allowed = co_await may_be_compat(context_, record.vm_name);
  if (!allowed) co_return allowed;
  if (context_.store.find_live(record.vm_name) != nullptr)
    co_return fail(ErrorCode::conflict,
                   "cannot take VM " + record.vm_name + " over: its name is held by another agent");
  const auto token = co_await context_.tokens.verify(std::move(health->ita_token));
  // Its next one may be good.
  if (!token) co_return fail(ErrorCode::unavailable, token.error().message);
  const auto verdict = appraise_compat(context_.policy, *token);
  if (!verdict) co_return tl::unexpected(verdict.error());
  fill_compat(record, *token, *verdict, context_.clock.unix_seconds());
  log::warning("agent of an earlier control plane taken over, without attestation",
               {{"vm", record.vm_name}, {"agent", record.agent_id}});
  co_return co_await context_.store.save(std::move(record));
}

}  // namespace dd::cp
