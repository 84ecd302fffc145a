#include "libdd/identity/spent_ids.hpp"

#include <algorithm>

namespace dd::identity {

Result<void> SpentIds::spend(std::string_view id, std::int64_t expires_at, std::int64_t now) {
  latest_ = std::max(latest_, now);
  if (expires_at <= latest_ || spent_.contains(id))
    return fail(ErrorCode::unauthenticated, "replayed", "cannot accept it: it has been used or has expired");
  if (spent_.size() >= most_) std::erase_if(spent_, [this](const auto& entry) { return entry.second <= latest_; });
  if (spent_.size() >= most_)
    return fail(ErrorCode::unavailable, "cannot accept it: too many were used lately, try again later");
  spent_.emplace(id, expires_at);
  return {};
}

}  // namespace dd::identity
