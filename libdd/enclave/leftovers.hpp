// What the processes of a uid leave where everybody may leave something: whoever has the uid next must not find it.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <stop_token>
#include <vector>

namespace dd::enclave {

struct UidSpan {
  uid_t first = 0;
  uid_t count = 1;
  [[nodiscard]] bool contains(uid_t uid) const noexcept { return uid >= first && uid - first < count; }
};

/// The folders that a system has for everybody's temporary files, shared memory and message queues.
[[nodiscard]] std::vector<std::filesystem::path> shared_folders();

/// Takes every entry of these folders that is of one of the uids and older than this call out of reach. Returns folders that are to be removed. Root
/// only, and when no process of the uids lives. Blocks shortly.
[[nodiscard]] std::vector<std::filesystem::path> set_leftovers_aside(
    UidSpan uids, const std::vector<std::filesystem::path>& folders = shared_folders(),
    const std::stop_token& stop = {});
/// What that call had returned to an earlier run with these uids, and was not removed by it.
[[nodiscard]] std::vector<std::filesystem::path> left_aside(
    UidSpan uids, const std::vector<std::filesystem::path>& folders = shared_folders());

/// Removes the System V shared memory, semaphores and message queues of these uids. Root only.
void remove_ipc_of(UidSpan uids);

}  // namespace dd::enclave
