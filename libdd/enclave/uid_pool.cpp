#include "libdd/enclave/uid_pool.hpp"

#include <algorithm>

namespace dd::enclave {

UidPool::UidPool(uid_t base, Evict evict, const UidsByApp& known, Changed changed, std::set<std::string> lasting)
    : base_(base), evict_(std::move(evict)), changed_(std::move(changed)), lasting_(std::move(lasting)) {
  for (const auto& [app, uid] : known) {
    slots_.emplace(app, Slot{uid});
    used_ = std::max(used_, uid - base_);
  }
}

Result<uid_t> UidPool::acquire(const std::string& app) {
  auto slot = slots_.find(app);
  if (slot == slots_.end()) {
    const auto uid = free_uid();
    if (!uid) return uid;
    slot = slots_.emplace(app, Slot{*uid}).first;
    tell();
  }
  ++slot->second.holders;
  return slot->second.uid;
}

void UidPool::release(const std::string& app) {
  const auto slot = slots_.find(app);
  if (slot == slots_.end() || slot->second.holders == 0) return;
  --slot->second.holders;
  slot->second.released_at = ++releases_;
}

std::optional<uid_t> UidPool::held_once(const std::string& app) const {
  const auto slot = slots_.find(app);
  if (slot == slots_.end() || slot->second.holders != 1) return std::nullopt;
  return slot->second.uid;
}

void UidPool::tell() const {
  if (!changed_) return;
  UidsByApp uids;
  for (const auto& [app, slot] : slots_) uids.emplace(app, slot.uid);
  changed_(uids);
}

Result<uid_t> UidPool::free_uid() {
  if (used_ < kWorkloadUids) return base_ + ++used_;
  if (slots_.size() < kWorkloadUids) {
    std::set<uid_t> taken;
    for (const auto& [app, slot] : slots_) taken.insert(slot.uid);
    auto uid = base_ + 1;
    while (taken.contains(uid)) ++uid;
    return uid;
  }
  auto longest_idle = slots_.end();
  for (auto it = slots_.begin(); it != slots_.end(); ++it)
    if (it->second.holders == 0 && !lasting_.contains(it->first) &&
        (longest_idle == slots_.end() || it->second.released_at < longest_idle->second.released_at))
      longest_idle = it;
  if (longest_idle == slots_.end())
    return fail(ErrorCode::unavailable,
                "cannot give the workload a uid: all " + std::to_string(kWorkloadUids) + " are in use");
  const auto uid = longest_idle->second.uid;
  evict_(longest_idle->first);
  slots_.erase(longest_idle);
  return uid;
}

}  // namespace dd::enclave
