// Sockets of another uid, in this process.
#pragma once

#include <sys/fsuid.h>
#include <unistd.h>

namespace dd::test {

/// What this thread creates meanwhile belongs to `uid`. Needs root.
class AsUid {
 public:
  explicit AsUid(uid_t uid) { setfsuid(uid); }
  ~AsUid() { setfsuid(geteuid()); }
  AsUid(const AsUid&) = delete;
  AsUid& operator=(const AsUid&) = delete;
};

}  // namespace dd::test
