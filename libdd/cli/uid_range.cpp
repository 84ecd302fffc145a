#include "libdd/cli/uid_range.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <string>

namespace dd::cli {
namespace {

constexpr int kFirstUid = 200'000;
constexpr int kRanges = 4096;

enclave::UniqueFd open_lock(const std::filesystem::path& file, int flags) {
  return enclave::UniqueFd(::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
}

bool take(const enclave::UniqueFd& lock) { return flock(lock.get(), LOCK_EX | LOCK_NB) == 0; }

/// A runtime that outlived its fleet, or one that somebody started by hand.
bool some_vm_holds(const std::filesystem::path& folder, int first) {
  for (int vm = 0; vm < UidRange::kVms; ++vm) {
    const auto uid = std::to_string(first + vm * UidRange::kUidsPerVm);
    const auto lock = open_lock(folder / ("dd-enclave-uids-" + uid + ".lock"), 0);
    if (lock && !take(lock)) return true;
  }
  return false;
}

}  // namespace

UidRange UidRange::claim(const std::filesystem::path& folder, pid_t seed) {
  const auto first_at = [seed](int attempt) { return kFirstUid + (seed + attempt) % kRanges * kVms * kUidsPerVm; };
  for (int attempt = 0; attempt < kRanges; ++attempt) {
    const int first = first_at(attempt);
    auto lock = open_lock(folder / ("ddctl-uids-" + std::to_string(first) + ".lock"), O_CREAT);
    if (!lock) break;
    if (take(lock) && !some_vm_holds(folder, first)) return {first, std::move(lock)};
  }
  return {first_at(0), {}};
}

}  // namespace dd::cli
