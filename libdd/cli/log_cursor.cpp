#include "libdd/cli/log_cursor.hpp"

#include <algorithm>
#include <utility>

#include "dd/workload.hpp"

namespace dd::cli {

LogCursor::News LogCursor::take(WorkloadLogs answer, std::int64_t asked) {
  News news;
  const bool known = answer.id == id_;
  if (!known && !id_.empty()) {
    id_ = std::move(answer.id);
    next_ = 0;
    news.redeployed = news.more = true;
    return news;
  }
  if (!known) next_ = answer.first;
  id_ = std::move(answer.id);
  if (answer.first + static_cast<std::int64_t>(answer.lines.size()) > answer.next) answer.lines.pop_back();
  news.missed = std::max<std::int64_t>(answer.first - next_, 0);
  news.first = answer.first;
  news.lines = std::move(answer.lines);
  next_ = answer.next;
  const auto status = deployment_status_from(answer.status);
  const bool live = status && is_live(*status);
  news.over = !live && news.lines.empty();
  news.more = !live || static_cast<std::int64_t>(news.lines.size()) >= asked;
  return news;
}

}  // namespace dd::cli
