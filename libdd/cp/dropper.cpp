#include "libdd/cp/dropper.hpp"

#include <algorithm>

#include "dd/log.hpp"

namespace dd::cp {
namespace {

constexpr std::size_t kDroppedKept = 256;
constexpr std::size_t kRenewableKept = 4096;

}  // namespace

net::Task<Result<void>> Dropper::drop(AgentRecord record, std::string reason) {
  log::warning("agent dropped", {{"vm", record.vm_name}, {"agent", record.agent_id}, {"why", reason}});
  record.status = AgentStatus::dropping;
  record.reason = std::move(reason);
  record.dropped_at = context_.clock.unix_seconds();
  const auto saved = co_await context_.store.save(record);
  if (!saved) co_return saved;
  co_return co_await finish(std::move(record));
}

net::Task<Result<void>> Dropper::finish(AgentRecord record) {
  const auto removed = co_await context_.provisioner.remove(record);
  if (!removed) co_return wrap(removed.error(), "cannot remove the tunnel of " + record.agent_id);
  record.status = AgentStatus::dropped;
  record.tunnel_id.clear();
  record.extras.clear();
  co_return co_await context_.store.save(std::move(record));
}

net::Task<Result<void>> Dropper::quarantine(AgentRecord record, std::string reason) {
  log::warning("agent quarantined", {{"vm", record.vm_name}, {"agent", record.agent_id}, {"why", reason}});
  record.status = AgentStatus::quarantined;
  record.reason = std::move(reason);
  record.quarantined_at = context_.clock.unix_seconds();
  const auto saved = co_await context_.store.save(record);
  if (!saved) co_return saved;
  co_return co_await context_.provisioner.shrink(std::move(record));
}

net::Task<Result<void>> Dropper::forget_old() {
  const auto renew_for = std::chrono::duration_cast<std::chrono::seconds>(context_.options.renew_for).count();
  const auto since = context_.clock.unix_seconds() - renew_for;
  const auto may_return = [since](const AgentRecord& record) { return record.renewable && record.dropped_at >= since; };
  auto records = context_.store.all();
  std::erase_if(records, [](const AgentRecord& record) { return record.status != AgentStatus::dropped; });
  std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.dropped_at > b.dropped_at; });
  std::vector<AgentRecord> old;
  auto left = kDroppedKept;
  auto renewable_left = kRenewableKept;
  for (auto& record : records) {
    auto& room = may_return(record) ? renewable_left : left;
    if (room > 0)
      --room;
    else
      old.push_back(std::move(record));
  }
  for (const auto& record : old) {
    const auto turn = co_await context_.turns.take(record.vm_name);
    const auto* now = context_.store.find(record.agent_id);  // it may have come back
    if (now == nullptr || now->status != AgentStatus::dropped) continue;
    const auto erased = co_await context_.store.erase(record.agent_id);
    if (!erased) co_return erased;
  }
  co_return Result<void>();
}

}  // namespace dd::cp
