#include "libdd/enclave/data_dir.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dd/log.hpp"
#include "libdd/core/folder.hpp"
#include "libdd/enclave/system_error.hpp"

namespace dd::enclave {
namespace {

namespace fs = std::filesystem;

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

void remove_folder(const fs::path& path) {
  std::error_code failed;
  fs::remove_all(path, failed);
  if (failed)
    log::warning("cannot remove folder of an earlier workload", {{"path", path.string()}, {"error", failed.message()}});
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
  if (mkdir(folder.c_str(), 0700) == 0 && geteuid() == 0 && chown(folder.c_str(), uid, gid) != 0)
    return system_failure(what);
  struct stat info{};
  if (lstat(folder.c_str(), &info) != 0) return system_failure(what);
  if (!S_ISDIR(info.st_mode) || info.st_uid != uid)
    return fail(ErrorCode::conflict, what + ": it belongs to uid " + std::to_string(info.st_uid) + ", not " +
                                         std::to_string(uid) + "; give it to that uid, or remove it");
  return folder;
}

void DataDir::remove_work(const std::string& app) const { remove_folder(work(app)); }

void DataDir::clear(const std::set<std::string>& keep) const {
  for (const auto& folder : {store(), tools()})
    for (const auto& entry : entries_of(folder)) remove_folder(entry);
  for (const auto& app : entries_of(root_ / "work"))
    if (!keep.contains(app.filename().string())) remove_folder(app);
}

}  // namespace dd::enclave
