#include "libdd/enclave/data_dir.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "dd/bytes.hpp"
#include "dd/log.hpp"
#include "dd/random.hpp"
#include "libdd/core/folder.hpp"
#include "libdd/core/tree_removal.hpp"
#include "libdd/enclave/system_error.hpp"

namespace dd::enclave {
namespace {

namespace fs = std::filesystem;

// No app's name starts with a dot.
const std::string kAside = ".removed-";

std::string fresh_name() {
  std::array<std::byte, 8> noise{};
  system_random().fill(noise);
  return kAside + to_hex(noise);
}

Result<void> make_folder(const fs::path& folder, mode_t mode) {
  const auto what = "cannot make folder " + folder.string();
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return system_failure(what, failed.value());
  if (chmod(folder.c_str(), mode) != 0) return system_failure(what);
  return {};
}

Result<void> check_searchable(const fs::path& folder) {
  for (auto parent = fs::absolute(folder).parent_path();; parent = parent.parent_path()) {
    struct stat info{};
    if (stat(parent.c_str(), &info) != 0) return system_failure("cannot look at folder " + parent.string());
    if ((info.st_mode & S_IXOTH) == 0)
      return fail(ErrorCode::invalid_argument,
                  "cannot use EE_DATA_DIR " + folder.string() + ": " + parent.string() +
                      " is closed to other users, and workloads run under uids of their own");
    if (parent == parent.root_path()) return {};
  }
}

void remove_leftover(const fs::path& path) {
  if (const auto removed = remove_tree(path); !removed)
    log::warning("what an earlier workload left is still there", {{"error", removed.error().message}});
}

}  // namespace

Result<UniqueFd> lock_file(const fs::path& file) {
  const auto what = "cannot lock " + file.string();
  UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return system_failure(what);
  if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK) return fail(ErrorCode::conflict, what + ": another dd-enclave holds it");
  return system_failure(what);
}

Result<DataDir> DataDir::open(fs::path root, bool other_users) {
  for (const auto& folder : {root, root / "store", root / "work"})
    if (const auto made = make_folder(folder, 0711); !made) return tl::unexpected(made.error());
  if (const auto made = make_folder(root / "bin", 0755); !made) return tl::unexpected(made.error());
  if (other_users)
    if (const auto searchable = check_searchable(root); !searchable) return tl::unexpected(searchable.error());
  auto lock = lock_file(root / "lock");
  if (!lock) return tl::unexpected(lock.error());
  return DataDir(std::move(root), *std::move(lock));
}

Result<fs::path> DataDir::make_work(const std::string& app, uid_t uid, gid_t gid) const {
  auto folder = work(app);
  const auto what = "cannot make work directory " + folder.string();
  mkdir(folder.c_str(), 0700);  // or it is there; what it is then is looked at
  struct stat info{};
  if (lstat(folder.c_str(), &info) != 0) return system_failure(what);
  // A new one, or one that power went for before it was given away.
  std::error_code failed;
  const bool nobodys = info.st_uid == 0 && uid != 0 && S_ISDIR(info.st_mode) && fs::is_empty(folder, failed);
  if (nobodys && geteuid() == 0) {
    if (chown(folder.c_str(), uid, gid) != 0) return system_failure(what);
    return folder;
  }
  if (!S_ISDIR(info.st_mode) || info.st_uid != uid)
    return fail(ErrorCode::conflict, what + ": it belongs to uid " + std::to_string(info.st_uid) + ", not " +
                                         std::to_string(uid) + "; give it to that uid, or remove it");
  return folder;
}

fs::path DataDir::set_aside(const std::string& app) const {
  const auto folder = work(app);
  // A link or a file is no folder, and gone as quickly.
  if (unlink(folder.c_str()) == 0 || errno == ENOENT) return {};
  // Not beside a folder that is made for it: a workload may have used up what the file system has.
  auto aside = root_ / "work" / fresh_name();
  if (renameat2(AT_FDCWD, folder.c_str(), AT_FDCWD, aside.c_str(), RENAME_NOREPLACE) != 0) {
    remove_leftover(folder);
    return {};
  }
  // Whoever has its uid next must not get in.
  if (geteuid() == 0 && lchown(aside.c_str(), 0, 0) != 0)
    log::warning("cannot take a folder from its uid", {{"path", aside.string()}});
  return aside;
}

std::vector<fs::path> DataDir::clear(const std::set<std::string>& keep) const {
  for (const auto& folder : {store(), tools()})
    for (const auto& entry : entries_of(folder)) remove_leftover(entry);
  std::vector<fs::path> left;
  for (const auto& entry : entries_of(root_ / "work")) {
    const auto name = entry.filename().string();
    if (keep.contains(name)) continue;
    left.push_back(name.starts_with(kAside) ? entry : set_aside(name));
  }
  return left;
}

}  // namespace dd::enclave
