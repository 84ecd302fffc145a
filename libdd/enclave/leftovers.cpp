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
#include <string_view>
#include <system_error>

#include "dd/log.hpp"
#include "libdd/core/decimal.hpp"
#include "libdd/core/folder.hpp"
#include "libdd/core/tree_removal.hpp"

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

  std::vector<fs::path> clear(const std::stop_token& stop) {
    std::error_code failed;
    for (fs::directory_iterator at(folder_, failed), end; !failed && at != end; at.increment(failed)) {
      if (stop.stop_requested()) break;
      struct stat info{};
      if (lstat(at->path().c_str(), &info) != 0) continue;
      if (uids_.contains(info.st_uid) && !is_after(info.st_ctim, began_)) take(at->path(), stop);
    }
    return std::move(left_);
  }

 private:
  void take(const fs::path& entry, const std::stop_token& stop) {
    if (aside_.empty()) make_aside();
    const auto place = aside_ / std::to_string(++taken_);
    if (!aside_.empty() && rename(entry.c_str(), place.c_str()) == 0) return;
    // Message queues have no folders, and a file system that is full has none either.
    if (const auto removed = remove_tree(entry, stop); !removed)
      log::warning("what a workload left is still there", {{"error", removed.error().message}});
  }

  void make_aside() {
    auto path = (folder_ / (kOutOfReach + std::to_string(uids_.first) + "-XXXXXX")).string();
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

std::vector<fs::path> set_leftovers_aside(UidSpan uids, const std::vector<fs::path>& folders,
                                          const std::stop_token& stop) {
  std::vector<fs::path> left;
  for (const auto& folder : folders)
    std::ranges::move(SharedFolder(folder, uids).clear(stop), std::back_inserter(left));
  return left;
}

std::vector<fs::path> left_aside(UidSpan uids, const std::vector<fs::path>& folders) {
  std::vector<fs::path> left;
  for (const auto& folder : folders)
    for (const auto& entry : entries_of(folder)) {
      const auto name = entry.filename().string();
      struct stat info{};
      if (!name.starts_with(kOutOfReach) || lstat(entry.c_str(), &info) != 0 || info.st_uid != geteuid()) continue;
      const auto rest = std::string_view(name).substr(kOutOfReach.size());
      const auto uid = decimal<uid_t>(rest.substr(0, rest.find('-')));
      if (uid && uids.contains(*uid)) left.push_back(entry);
    }
  return left;
}

void remove_ipc_of(UidSpan uids) {
  for (const auto id : ipc_ids("/proc/sysvipc/shm", "shmid", uids)) shmctl(id, IPC_RMID, nullptr);
  for (const auto id : ipc_ids("/proc/sysvipc/sem", "semid", uids)) semctl(id, 0, IPC_RMID);
  for (const auto id : ipc_ids("/proc/sysvipc/msg", "msqid", uids)) msgctl(id, IPC_RMID, nullptr);
}

}  // namespace dd::enclave
