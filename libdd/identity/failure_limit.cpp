#include "libdd/identity/failure_limit.hpp"

#include <algorithm>

namespace dd::identity {

bool FailureLimit::is_over(const Window& window, std::int64_t now) const {
  // A clock that was set back must not lengthen anyone's wait.
  return now < window.started_at || now >= window.started_at + options_.window.count();
}

Result<void> FailureLimit::begin(std::string_view client, std::int64_t now) {
  auto& window = window_of(client, now);
  if (window.failures >= options_.failures)
    return fail(ErrorCode::rate_limited, "cannot sign in: too many failed attempts, try again in " +
                                             std::to_string(window.started_at + options_.window.count() - now) + " s");
  ++window.failures;
  return {};
}

void FailureLimit::forgive(std::string_view client) {
  const auto known = clients_.find(client);
  if (known != clients_.end() && known->second.failures > 0) --known->second.failures;
}

FailureLimit::Window& FailureLimit::window_of(std::string_view client, std::int64_t now) {
  auto known = clients_.find(client);
  if (known == clients_.end()) {
    if (clients_.size() >= options_.most_clients)
      clients_.erase(std::ranges::min_element(clients_, {}, [](const auto& entry) { return entry.second.started_at; }));
    known = clients_.emplace(client, Window{now, 0}).first;
  }
  if (is_over(known->second, now)) known->second = {now, 0};
  return known->second;
}

}  // namespace dd::identity
