// What happens between fork and exec. Other threads may have held any lock at the fork, so only async-signal-safe calls are made here
// (signal-safety(7)) and nothing is allocated.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace dd::enclave {

/// Everything prepared by the parent; pointers into its memory, of which the child has a copy.
struct ChildPlan {
  const char* executable = nullptr;
  char* const* argv = nullptr;
  char* const* envp = nullptr;
  const char* work_dir = nullptr;
  pid_t parent = 0;
  bool switch_user = false;  // needs root
  bool privileged = false;  // keeps what the runtime may
  uid_t uid = 0;
  gid_t gid = 0;
  const gid_t* groups = nullptr;
  std::size_t group_count = 0;
  unsigned max_processes = 0;  // 0: as the runtime
  bool terminal = false;  // the input is one, and becomes the controlling terminal
  // All at least kFirstFreeFd, so that none is overwritten while they are put in place.
  int input_fd = -1;
  int output_fd = -1;
  int error_fd = -1;
  const int* inherited_fds = nullptr;
  std::size_t inherited_count = 0;
  char* listen_pid = nullptr;  // gets the child's process id, of which kPidDigits and an end must fit; or none
  int report_fd = -1;  // closed by a successful exec, else gets a SetupFailure
};

/// Standard input, output, error; then what it inherits (SD_LISTEN_FDS_START of sd_listen_fds(3)).
inline constexpr int kFirstInheritedFd = 3;
inline constexpr int kMostInherited = 17;  // 8 ports in two families, and a capability socket
inline constexpr int kFirstFreeFd = 32;
static_assert(kFirstInheritedFd + kMostInherited <= kFirstFreeFd);
inline constexpr std::size_t kPidDigits = 10;

enum class SetupStep : int { descriptors, terminal, work_dir, privileges, user, parent, exec };

struct SetupFailure {
  SetupStep step = SetupStep::exec;
  int error = 0;
};

/// The child's whole life up to its program. Never returns.
[[noreturn]] void become_workload(const ChildPlan& plan) noexcept;

/// Empties the sets that a change of user may leave. Async-signal-safe.
[[nodiscard]] bool clear_capabilities() noexcept;

}  // namespace dd::enclave
