#include "libdd/identity/verdict_cache.hpp"

#include <algorithm>

namespace dd::identity {

template <class T>
const T* VerdictCache::find_in(Entries<T>& entries, const Digest256& key, std::int64_t now_ms) {
  const auto entry = entries.find(key);
  if (entry == entries.end()) return nullptr;
  if (now_ms < entry->second.expires_ms) return &entry->second.value;
  entries.erase(entry);
  return nullptr;
}

template <class T>
void VerdictCache::put_in(Entries<T>& entries, const Digest256& key, const T& value, std::int64_t now_ms,
                          std::chrono::seconds life) {
  if (options_.limit == 0) return;
  if (entries.size() >= options_.limit && !entries.contains(key)) {
    std::erase_if(entries, [now_ms](const auto& entry) { return entry.second.expires_ms <= now_ms; });
    if (entries.size() >= options_.limit)
      entries.erase(std::ranges::min_element(entries, {}, [](const auto& entry) { return entry.second.expires_ms; }));
  }
  const auto expires_ms = now_ms + std::chrono::milliseconds(life).count();
  entries.insert_or_assign(key, Entry<T>{value, expires_ms});
}

std::optional<Result<Principal>> VerdictCache::find(const Digest256& key, std::int64_t now_ms) {
  if (const auto* principal = find_in(accepted_, key, now_ms)) return Result<Principal>(*principal);
  const auto* refused = find_in(refused_, key, now_ms);
  if (refused == nullptr) return std::nullopt;
  Error error = *refused;
  const std::chrono::milliseconds left(refused_.at(key).expires_ms - now_ms);
  if (error.retry_after.count() > 0) error.retry_after = std::chrono::ceil<std::chrono::seconds>(left);
  return Result<Principal>(tl::unexpected(std::move(error)));
}

void VerdictCache::put(const Digest256& key, const Result<Principal>& verdict, std::int64_t now_ms) {
  if (verdict) {
    refused_.erase(key);
    put_in(accepted_, key, *verdict, now_ms, options_.positive);
    return;
  }
  const auto& error = verdict.error();
  if (error.code == ErrorCode::unavailable && error.retry_after.count() > 0)
    return put_in(refused_, key, error, now_ms, error.retry_after);
  if (error.code != ErrorCode::unauthenticated && error.code != ErrorCode::permission_denied) return;
  accepted_.erase(key);
  put_in(refused_, key, error, now_ms, options_.negative);
}

}  // namespace dd::identity
