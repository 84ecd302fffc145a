// Uids for workloads: one per app, so that its files stay its own across redeploys.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "dd/error.hpp"
#include "libdd/enclave/uid_file.hpp"

namespace dd::enclave {

/// Uids of one runtime. The first names the group of those that may open the workload socket; it is nobody's uid.
inline constexpr uid_t kUidRange = 1000;
/// The last ones are those of dd-fetch (fetch_helper.hpp).
inline constexpr uid_t kFetchUids = 4;
inline constexpr uid_t kWorkloadUids = kUidRange - 1 - kFetchUids;

class UidPool {
 public:
  using Evict = std::function<void(const std::string& app)>;
  using Changed = std::function<void(const UidsByApp&)>;

  /// `evict` is called with an app whose uid goes to another: its files must go first. `known` is what an earlier run has given out; `changed` is told what
  /// the next run must know. `lasting` apps keep theirs whatever happens.
  UidPool(uid_t base, Evict evict, const UidsByApp& known = {}, Changed changed = {},
          std::set<std::string> lasting = {});

  [[nodiscard]] gid_t trusted_group() const noexcept { return base_; }
  /// The uid of `app`, held until released as often as acquired. An app keeps its uid as long as no other needs it; in the order of
  /// first use they are base + 1, base + 2, …. Errors: unavailable when all are held, or are those of apps that keep theirs.
  [[nodiscard]] Result<uid_t> acquire(const std::string& app);
  void release(const std::string& app);
  /// Its uid, if a release now would be the last one.
  [[nodiscard]] std::optional<uid_t> held_once(const std::string& app) const;

 private:
  struct Slot {
    uid_t uid = 0;
    int holders = 0;
    std::uint64_t released_at = 0;  // by count: the longest idle goes first
  };
  [[nodiscard]] Result<uid_t> free_uid();

  void tell() const;

  uid_t base_;
  Evict evict_;
  Changed changed_;
  std::set<std::string> lasting_;
  std::map<std::string, Slot> slots_;
  uid_t used_ = 0;  // all above base + used_ have never been given out
  std::uint64_t releases_ = 0;
};

}  // namespace dd::enclave
