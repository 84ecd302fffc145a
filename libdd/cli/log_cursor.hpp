// ddctl logs -f: what of each answer was not shown yet.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dd/fleet_client.hpp"

namespace dd::cli {

class LogCursor {
 public:
  struct News {
    std::vector<std::string> lines;
    std::int64_t first = 0;   // the number of lines[0]
    std::int64_t missed = 0;  // lines before it that were no longer kept when they were asked for
    bool redeployed = false;  // the app's lines count from 0 again
    bool more = false;        // there may be more already: ask at once
    bool over = false;        // the app has ended, and everything was shown
  };

  /// What to ask for next.
  [[nodiscard]] std::int64_t next() const noexcept { return next_; }
  /// `asked`: how many lines it could have had. The first answer says where to start. A line without newline waits until it is whole.
  [[nodiscard]] News take(WorkloadLogs answer, std::int64_t asked);

 private:
  std::string id_;
  std::int64_t next_ = 0;
};

}  // namespace dd::cli
