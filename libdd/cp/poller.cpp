#include "libdd/cp/poller.hpp"

#include <algorithm>

#include "dd/log.hpp"

namespace dd::cp {
namespace {

constexpr std::size_t kWorkers = 32;
constexpr int kSilentPolls = 3;

}  // namespace

net::Task<void> Poller::run() {
  while (!stopping_) {
    const auto started = std::chrono::steady_clock::now();
    co_await round();
    const auto kept = co_await housekeeping();
    if (!kept) log::warning("housekeeping failed", {{"why", kept.error().message}});
    const auto spent =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started);
    const auto rest = std::max(context_.options.poll_interval - spent, std::chrono::milliseconds(10));
    co_await net::sleep_for(rest);
  }
}

net::Task<void> Poller::round() {
  std::vector<std::string> ids;
  for (const auto& record : context_.store.all())
    if (record.status != AgentStatus::dropped) ids.push_back(record.agent_id);
  const auto workers = std::min(kWorkers, ids.size());
  std::size_t running = workers;
  net::Event done(context_.executor);
  for (std::size_t i = 0; i < workers; ++i) {
    // The frame outlives its workers: it waits for the last of them below.
    auto one = [](Poller& self, std::vector<std::string>& left, std::size_t& count,
                  net::Event& event) -> net::Task<void> {
      co_await self.worker(left);
      --count;
      event.notify();
    };
    net::spawn(context_.executor, one(*this, ids, running, done), "poll worker");
  }
  const std::chrono::milliseconds patience(1'000);
  while (running > 0) co_await done.wait(patience);
}

net::Task<void> Poller::worker(std::vector<std::string>& ids) {
  while (!ids.empty() && !stopping_) {
    auto id = std::move(ids.back());
    ids.pop_back();
    co_await visit(std::move(id));
  }
}

net::Task<void> Poller::visit(std::string agent_id) {
  const auto* known = context_.store.find(agent_id);
  if (known == nullptr) co_return;
  const auto vm_name = known->vm_name;
  const auto turn = co_await context_.turns.take(vm_name);
  known = context_.store.find(agent_id);  // it may have changed while we waited for our turn
  if (known == nullptr || known->status == AgentStatus::dropped) co_return;
  AgentRecord record = *known;
  Result<void> done;
  if (record.status == AgentStatus::dropping) {
    done = co_await dropper_.finish(record);
  } else if (context_.store.is_denied(record.deny_key())) {
    done = co_await dropper_.drop(std::move(record), "its key was revoked");
  } else {
    auto outcome = co_await link_.poll(record);
    done = co_await act(std::move(record), std::move(outcome));
  }
  if (!done) log::warning("cannot finish a poll", {{"agent", agent_id}, {"why", done.error().message}});
}

net::Task<Result<void>> Poller::act(AgentRecord before, PollOutcome outcome) {
  switch (outcome.finding) {
    case Finding::refused:
      co_return co_await dropper_.drop(std::move(outcome.record), std::move(outcome.reason));
    case Finding::expired:
      co_return co_await settle_silent(std::move(outcome.record), "expired: " + outcome.reason);
    case Finding::unreachable:
      ++outcome.record.failed_polls;
      co_return co_await settle_silent(std::move(outcome.record), "unreachable: " + outcome.reason);
    case Finding::proven:
      if (before.status == AgentStatus::quarantined) co_return co_await take_back(std::move(outcome.record));
      if (before.status != AgentStatus::healthy)
        log::info("agent healthy", {{"vm", before.vm_name}, {"agent", before.agent_id}});
      outcome.record.status = AgentStatus::healthy;
      co_return co_await context_.store.save(std::move(outcome.record));
  }
  co_return Result<void>();
}

net::Task<Result<void>> Poller::settle_silent(AgentRecord record, std::string reason) {
  const auto now = context_.clock.unix_seconds();
  const auto leeway = std::chrono::duration_cast<std::chrono::seconds>(context_.options.token_leeway).count();
  const bool expired = reason.starts_with("expired") || now > record.token_expires_at + leeway;
  if (record.status == AgentStatus::quarantined) {
    const auto limit = std::chrono::ceil<std::chrono::seconds>(context_.options.delete_after).count();
    if (now - record.quarantined_at < limit) co_return co_await context_.store.save(std::move(record));
    record.renewable = !record.compat;
    co_return co_await dropper_.drop(std::move(record), "not back after quarantine: " + reason);
  }
  if (expired || record.failed_polls >= kSilentPolls)
    co_return co_await dropper_.quarantine(std::move(record), std::move(reason));
  record.status = AgentStatus::unreachable;
  record.reason = std::move(reason);
  co_return co_await context_.store.save(std::move(record));
}

net::Task<Result<void>> Poller::take_back(AgentRecord record) {
  record.status = AgentStatus::healthy;
  record.quarantined_at = 0;
  const auto published = co_await context_.provisioner.publish(record);
  if (!published) co_return wrap(published.error(), "cannot take the agent back");
  log::info("agent back from quarantine", {{"vm", record.vm_name}, {"agent", record.agent_id}});
  co_return co_await context_.store.save(std::move(record));
}

net::Task<Result<void>> Poller::housekeeping() {
  link_.forget_strangers();
  const auto purged = co_await context_.store.purge_spent();
  if (!purged) co_return purged;
  co_return co_await dropper_.forget_old();
}

}  // namespace dd::cp
