// Uids for workloads: one per app, so that its files stay its own across redeploys.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "dd/error.hpp"

namespace dd::enclave {

/// Uids of one runtime. The first names the group of those that may open the workload socket; it is nobody's uid.
inline constexpr uid_t kUidRange = 1000;
/// The last ones are those of dd-fetch (fetch_helper.hpp).
inline constexpr uid_t kFetchUids = 4;
inline constexpr uid_t kWorkloadUids = kUidRange - 1 - kFetchUids;

class UidPool {
 public:
  /// `evict` is called with an app whose uid goes to another: its files must go first.
  UidPool(uid_t base, std::function<void(const std::string& app)> evict);

  [[nodiscard]] gid_t trusted_group() const noexcept { return base_; }
  /// The uid of `app`, held until released as often as acquired. An app keeps its uid as long as no other needs it; in the order of
  /// first use they are base + 1, base + 2, …. Errors: unavailable when all are held.
  [[nodiscard]] Result<uid_t> acquire(const std::string& app);
  void release(const std::string& app);

 private:
  struct Slot {
    uid_t uid = 0;
    int holders = 0;
    std::uint64_t released_at = 0;  // by count: the longest idle goes first
  };
  [[nodiscard]] Result<uid_t> free_uid();

  uid_t base_;
  std::function<void(const std::string&)> evict_;
  std::map<std::string, Slot> slots_;
  uid_t used_ = 0;
  std::uint64_t releases_ = 0;
};

}  // namespace dd::enclave
