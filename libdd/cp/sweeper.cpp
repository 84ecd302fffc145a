#include "libdd/cp/sweeper.hpp"

#include <algorithm>

#include "dd/log.hpp"

namespace dd::cp {
namespace {

// A call that we made before we died or gave up may still be carried out; none of ours is waited for longer than 20 s.
constexpr std::int64_t kLateEffects = 60;

}  // namespace

net::Task<void> Sweeper::run() {
  while (!stopping_) {
    const auto swept = co_await sweep();
    if (!swept) log::warning("cannot sweep half-made tunnels now", {{"why", swept.error().message}});
    co_await net::sleep_for(context_.options.poll_interval);
  }
}

net::Task<Result<void>> Sweeper::sweep() {
  if (reported_) {
    const auto pending = co_await context_.store.journal();
    if (!pending) co_return wrap(pending.error(), "cannot read the tunnel journal");
    if (pending->empty()) co_return Result<void>();
  }
  const auto ours = co_await context_.provisioner.list();
  if (!ours) co_return tl::unexpected(ours.error());
  // After the list: what is made meanwhile was journalled before.
  const auto entries = co_await context_.store.journal();
  if (!entries) co_return wrap(entries.error(), "cannot read the tunnel journal");
  if (!reported_) report_unknown(*ours, *entries);
  reported_ = true;
  for (const auto& entry : *entries) {
    const auto found = std::ranges::find(*ours, entry.name, &tunnel::Tunnel::name);
    auto settling = settle(entry, found == ours->end() ? std::string() : found->id);
    const auto settled = co_await std::move(settling);
    if (!settled) co_return wrap(settled.error(), "cannot settle half-made tunnel " + entry.name);
  }
  co_return Result<void>();
}

/// `tunnel_id` is empty when no live tunnel has the entry's name.
net::Task<Result<void>> Sweeper::settle(JournalEntry entry, std::string tunnel_id) {
  // A registration under way holds it until its agent is saved or its attempt has failed.
  const auto turn = co_await context_.turns.take(entry.vm_name);
  if (context_.store.has_tunnel(entry.name)) co_return co_await context_.store.forget_tunnel(entry.name);

  const bool over = context_.clock.unix_seconds() - entry.begun_at >= kLateEffects;
  const bool found = !tunnel_id.empty();
  if (found) entry.tunnel_id = std::move(tunnel_id);
  // A tunnel that went earlier is looked at once more: its last DNS record may have come after it.
  if (found || (over && !entry.tunnel_id.empty())) {
    const auto taken_back = co_await context_.provisioner.take_back(entry);
    if (!taken_back) co_return taken_back;
  }
  if (!over) co_return Result<void>();
  co_return co_await context_.store.forget_tunnel(entry.name);
}

void Sweeper::report_unknown(const std::vector<tunnel::Tunnel>& ours, const std::vector<JournalEntry>& begun) {
  for (const auto& tunnel : ours)
    if (context_.store.find(tunnel.name) == nullptr &&
        std::ranges::find(begun, tunnel.name, &JournalEntry::name) == begun.end())
      log::warning("tunnel carries our mark and has no entry",
                   {{"tunnel", tunnel.name}, {"created_at", tunnel.created_at}});
}

}  // namespace dd::cp
