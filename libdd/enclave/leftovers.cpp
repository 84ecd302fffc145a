#include "libdd/enclave/leftovers.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>

#include "dd/log.hpp"
#include "libdd/core/folder.hpp"

namespace dd::enclave {
namespace {

namespace fs = std::filesystem;

const std::string kOutOfReach = ".dd-removed-";

bool is_after(const timespec& one, const timespec& other) {
  return one.tv_sec != other.tv_sec ? one.tv_sec > other.tv_sec : one.tv_nsec > other.tv_nsec;
}

/// The entries of one folder move into a folder in it that only root can enter.
class SharedFolder {
 public:
  SharedFolder(fs::path folder, UidSpan uids) : folder_(std::move(folder)), uids_(uids) {
    clock_gettime(CLOCK_REALTIME, &began_);  // those of files are never ahead of it
  }

  std::vector<fs::path> clear() {
    for (const auto& entry : entries_of(folder_)) {
      struct stat info{};
      if (lstat(entry.c_str(), &info) != 0) continue;
      const bool is_left_aside = info.st_uid == geteuid() && entry.filename().string().starts_with(kOutOfReach);
      if (is_left_aside && entry != aside_) left_.push_back(entry);
      if (uids_.contains(info.st_uid) && !is_after(info.st_ctim, began_)) take(entry);
    }
    return std::move(left_);
  }

 private:
  void take(const fs::path& entry) {
    if (aside_.empty()) make_aside();
    const auto place = aside_ / std::to_string(++taken_);
    if (!aside_.empty() && rename(entry.c_str(), place.c_str()) == 0) return;
    // Message queues have no folders.
    if (unlink(entry.c_str()) == 0 || errno == ENOENT) return;
    log::warning("what a workload left is still there",
                 {{"path", entry.string()}, {"error", std::generic_category().message(errno)}});
  }

  void make_aside() {
    auto path = (folder_ / (kOutOfReach + "XXXXXX")).string();
    if (mkdtemp(path.data()) == nullptr) return;
    aside_ = path;
    left_.push_back(aside_);
  }

  fs::path folder_;
  UidSpan uids_;
  timespec began_{};
  fs::path aside_;
  std::size_t taken_ = 0;
  std::vector<fs::path> left_;
};

/// The ids in a file of /proc/sysvipc whose owner or maker is one of these uids (proc(5)).
std::vector<int> ipc_ids(const char* file, const std::string& id_column, UidSpan uids) {
  std::ifstream table(file);
  std::string line;
  std::getline(table, line);
  std::istringstream heading(line);
  std::vector<std::string> names;
  for (std::string name; heading >> name;) names.push_back(name);
  std::vector<int> ids;
  while (std::getline(table, line)) {
    std::istringstream row(line);
    std::optional<int> id;
    bool is_theirs = false;
    for (const auto& name : names) {
      long long value = 0;
      if (!(row >> value)) break;
      if (name == id_column) id = static_cast<int>(value);
      if (name == "uid" || name == "cuid") is_theirs = is_theirs || uids.contains(static_cast<uid_t>(value));
    }
    if (id && is_theirs) ids.push_back(*id);
  }
  return ids;
}

}  // namespace

std::vector<fs::path> shared_folders() { return {"/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue"}; }

std::vector<fs::path> set_leftovers_aside(UidSpan uids, const std::vector<fs::path>& folders) {
  std::vector<fs::path> left;
  for (const auto& folder : folders) std::ranges::move(SharedFolder(folder, uids).clear(), std::back_inserter(left));
  return left;
}

void remove_ipc_of(UidSpan uids) {
  for (const auto id : ipc_ids("/proc/sysvipc/shm", "shmid", uids)) shmctl(id, IPC_RMID, nullptr);
  for (const auto id : ipc_ids("/proc/sysvipc/sem", "semid", uids)) semctl(id, 0, IPC_RMID);
  for (const auto id : ipc_ids("/proc/sysvipc/msg", "msqid", uids)) msgctl(id, IPC_RMID, nullptr);
}

}  // namespace dd::enclave
