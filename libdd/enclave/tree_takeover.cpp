#include "libdd/enclave/tree_takeover.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libdd/enclave/no_writers.hpp"
#include "libdd/enclave/system_error.hpp"
#include "libdd/enclave/unique_fd.hpp"
#include "libdd/workload/member_path.hpp"

namespace dd::enclave {
namespace {

// Unpacking makes at most 64 below each other.
constexpr std::size_t kMaxDepth = 64;

struct DirectoryCloser {
  void operator()(DIR* directory) const { closedir(directory); }
};

tl::unexpected<Error> refused_tree(const std::string& name, const char* why) {
  return fail(ErrorCode::invalid_argument, "cannot keep what was unpacked: " + name + " " + why);
}

class Takeover {
 public:
  explicit Takeover(uid_t from) : from_(from) {}

  Result<void> folder(int fd) {
    // Closed to everybody first: what has been looked at must not be exchanged while the rest is.
    if (auto ours = own(fd, 0700); !ours) return ours;
    // Read through a descriptor of its own: this one keeps its place.
    const int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const std::unique_ptr<DIR, DirectoryCloser> directory(copy < 0 ? nullptr : fdopendir(copy));
    if (!directory) return system_failure(kWhat);
    for (errno = 0; const auto* entry = readdir(directory.get()); errno = 0) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      path_.push_back(name);
      if (auto taken = take(fd, name); !taken) return taken;
      path_.pop_back();
    }
    if (errno != 0) return system_failure(kWhat);
    return own(fd, 0755);
  }

 private:
  static constexpr const char* kWhat = "cannot keep what was unpacked";

  Result<void> take(int parent, const std::string& name) {
    struct stat info{};
    if (fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return system_failure(kWhat);
    if (++count_ > kMaxTreeEntries)
      return fail(ErrorCode::too_large,
                  "cannot keep what was unpacked: it has over " + std::to_string(kMaxTreeEntries) + " entries");
    // Its other name was taken before.
    const std::pair file(info.st_dev, info.st_ino);
    if (taken_.contains(file)) return {};
    // A hard link to somebody else's file would open that to everybody.
    if (info.st_uid != from_) return refused_tree(name, "belongs to another user");
    if (S_ISLNK(info.st_mode)) return link(parent, name);
    if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return refused_tree(name, "is no file, folder or link");
    const UniqueFd fd(openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd) return system_failure(kWhat);
    if (S_ISREG(info.st_mode)) {
      taken_.insert(file);
      if (auto ours = own(fd.get(), (info.st_mode & 0111) != 0 ? 0555 : 0444); !ours) return ours;
      return check_no_writers(fd.get(), name);
    }
    if (path_.size() > kMaxDepth) return refused_tree(name, "is too deep");
    return folder(fd.get());
  }

  Result<void> link(int parent, const std::string& name) {
    std::array<char, 4096> target;
    const auto size = readlinkat(parent, name.c_str(), target.data(), target.size());
    if (size < 0) return system_failure(kWhat);
    if (!stays_inside(path_, {target.data(), static_cast<std::size_t>(size)}))
      return refused_tree(name, "leads out of it");
    if (fchownat(parent, name.c_str(), geteuid(), getegid(), AT_SYMLINK_NOFOLLOW) != 0) return system_failure(kWhat);
    return {};
  }

  static Result<void> own(int fd, mode_t mode) {
    if (fchown(fd, geteuid(), getegid()) != 0 || fchmod(fd, mode) != 0) return system_failure(kWhat);
    return {};
  }

  uid_t from_;
  std::vector<std::string> path_;
  std::int64_t count_ = 0;
  std::set<std::pair<dev_t, ino_t>> taken_;  // files
};

}  // namespace

Result<void> take_over(int folder, uid_t from) { return Takeover(from).folder(folder); }

}  // namespace dd::enclave
