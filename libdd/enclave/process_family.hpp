// The processes that came of a workload, also those that left its process group.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "libdd/net/task.hpp"

namespace dd::enclave {

/// By uid where the workload has one of its own: nothing escapes. Else by session and descent, and whoever calls setsid() and outlives its parent
/// is lost; so is what a privileged workload left behind.
///
/// Families of one uid (an app's deployments, while one takes the place of the other) are told apart by descent and session, and what escaped from both
/// by the variable kDeploymentVariable that it was started with. A process that hides even that is nobody's until one family alone is left.
struct ProcessFamily {
  pid_t leader = 0;
  std::optional<uid_t> uid;  // never root's
  std::string deployment_id = {};  // of those that share the uid
  uid_t nobody = 0;  // with `uid`: one that no process has

  /// Both, for without the other one neither is of use.
  void tell_by(uid_t own, uid_t spare) {
    uid = own;
    nobody = spare;
  }
};
inline constexpr const char* kDeploymentVariable = "DD_DEPLOYMENT_ID";

/// Live members (no zombies), from /proc.
[[nodiscard]] std::vector<pid_t> living(const ProcessFamily& family);
/// Those of each, by one walk through /proc.
[[nodiscard]] std::vector<std::vector<pid_t>> living(const std::vector<ProcessFamily>& families);
/// Uids in [first, first + count) that live processes run as.
[[nodiscard]] std::set<uid_t> uids_alive(uid_t first, uid_t count);
/// Whether a process lives in the leader's group.
[[nodiscard]] bool group_lives(const ProcessFamily& family);
/// Other families that have its uid now.
using Beside = std::function<std::vector<ProcessFamily>()>;
/// SIGKILL to all of it, and waits until none lives. Logs when some do not go for 5 s (a process in an uninterruptible call).
net::Task<void> purge(ProcessFamily family, Beside beside);
net::Task<void> purge(ProcessFamily family);
/// SIGKILL to every process of `uid` at once, so that one that forks cannot run ahead. Root only; never for a uid that others have, and for root's not
/// at all. What does it runs as `nobody` by its real uid, so that those whom it kills can neither stop it nor kill it first. False when some of them may
/// not have been signalled.
bool kill_everything_of(uid_t uid, uid_t nobody);

}  // namespace dd::enclave
