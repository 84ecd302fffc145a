// Uids for the VMs of a local fleet. Fleets that run side by side must not share any.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "libdd/enclave/unique_fd.hpp"

namespace dd::cli {

/// Its VMs' while it lives. Far above the uids of people.
class UidRange {
 public:
  static constexpr int kUidsPerVm = 1'000;
  static constexpr int kVms = 20;

  /// One that nobody has, as the locks in `folder` say; the first that is looked at depends on `seed`, such as the process's id. Where they cannot be
  /// made, as without root, there are no uids to share either: that first one, without a lock.
  [[nodiscard]] static UidRange claim(const std::filesystem::path& folder, pid_t seed);

  [[nodiscard]] int first_of_vm(int number) const noexcept { return first_ + number * kUidsPerVm; }

 private:
  UidRange(int first, enclave::UniqueFd lock) : first_(first), lock_(std::move(lock)) {}

  int first_;
  enclave::UniqueFd lock_;
};

}  // namespace dd::cli
