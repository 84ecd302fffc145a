#include "libdd/core/tree_removal.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace dd {
namespace {

struct CloseFolder {
  void operator()(DIR* folder) const noexcept { closedir(folder); }
};
using FolderPtr = std::unique_ptr<DIR, CloseFolder>;

/// Each takes two descriptors.
constexpr int kMostInPlace = 16;

bool is_not_empty(int error) { return error == ENOTEMPTY || error == EEXIST; }

// For an owner who locked himself out. Not for root, who needs none of it: by a name, which may be a link meanwhile.
bool unlock(int parent, const char* name) { return geteuid() != 0 && fchmodat(parent, name, S_IRWXU, 0) == 0; }

/// From now on nobody else makes anything in it, wherever he stands.
FolderPtr taken_over(int fd) {
  if (fd < 0) return nullptr;
  FolderPtr folder(fdopendir(fd));
  if (!folder) close(fd);
  if (folder && (geteuid() != 0 || fchown(fd, 0, 0) == 0)) fchmod(fd, S_IRWXU);
  return folder;
}

/// Not what is mounted there: it is no part of the tree.
FolderPtr open_folder(int parent, const char* name) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
  const auto open = [&] { return static_cast<int>(syscall(SYS_openat2, parent, name, &how, sizeof how)); };
  int fd = open();
  if (fd < 0 && errno == EACCES && unlock(parent, name)) fd = open();
  return taken_over(fd);
}

/// The next name in it but "." and ".."; null at its end.
const char* next_name(DIR* folder) {
  while (const auto* entry = readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return entry->d_name;
  }
  return nullptr;
}

/// Empties one folder, the top. A folder in a folder of it moves up into it.
class Emptying {
 public:
  Emptying(DIR* top, const std::stop_token& stop, int depth = 0) : top_(top), stop_(stop), depth_(depth) {}

  /// 0, or the errno of what could not be removed.
  int run() {
    for (;;) {
      const auto before = steps_;
      failure_ = 0;
      rewinddir(top_);
      bool found = false;
      while (const auto* name = next_name(top_)) {
        found = true;
        take(name);
        if (stop_.stop_requested()) return ECANCELED;
      }
      if (!found || steps_ == before) return failure_;
    }
  }

 private:
  void take(const char* name) {
    if (is_gone(dirfd(top_), name)) return;
    if (!is_not_empty(errno)) return note(errno);
    const auto folder = open_folder(dirfd(top_), name);
    if (!folder) return note(errno);
    while (const auto* inner = next_name(folder.get())) {
      if (stop_.stop_requested()) return;
      if (is_gone(dirfd(folder.get()), inner)) continue;
      if (!is_not_empty(errno))
        note(errno);
      else
        move_up(folder.get(), inner);
    }
    if (!is_gone(dirfd(top_), name)) note(errno);
  }

  /// Removes a file, or an empty folder.
  bool is_gone(int parent, const char* name) {
    const bool gone = unlinkat(parent, name, 0) == 0 || (errno == EISDIR && unlinkat(parent, name, AT_REMOVEDIR) == 0);
    steps_ += gone ? 1 : 0;
    return gone || errno == ENOENT;
  }

  void move_up(DIR* folder, const char* name) {
    for (;;) {
      char fresh[32];
      std::snprintf(fresh, sizeof fresh, ".up-%llu", ++moved_);
      auto renamed = renameat(dirfd(folder), name, dirfd(top_), fresh);
      if (renamed != 0 && errno == EACCES && unlock(dirfd(folder), name))
        renamed = renameat(dirfd(folder), name, dirfd(top_), fresh);
      if (renamed == 0) {
        ++steps_;
        return;
      }
      if (errno == EXDEV && depth_ < kMostInPlace) return empty_in_place(folder, name);
      // Somebody has that name; there are not more of them than of what is being removed.
      if (!is_not_empty(errno) && errno != ENOTDIR) return note(errno);
    }
  }

  /// What cannot move: it belongs to another quota project than the top, or to a lower layer.
  void empty_in_place(DIR* folder, const char* name) {
    const auto inner = open_folder(dirfd(folder), name);
    if (!inner) return note(errno);
    if (const auto error = Emptying(inner.get(), stop_, depth_ + 1).run(); error != 0) return note(error);
    if (!is_gone(dirfd(folder), name)) note(errno);
  }

  void note(int error) {
    if (failure_ == 0) failure_ = error;
  }

  DIR* top_;
  const std::stop_token& stop_;
  int depth_;
  unsigned long long steps_ = 0;
  unsigned long long moved_ = 0;
  int failure_ = 0;
};

}  // namespace

Result<void> remove_tree(const std::filesystem::path& path, const std::stop_token& stop) {
  const auto failed = [&path](int error) -> Result<void> {
    return fail(ErrorCode::unavailable,
                "cannot remove " + path.string() + ": " + std::generic_category().message(error));
  };
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR) return failed(errno);
  const auto top = taken_over(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!top) return failed(errno);
  if (const auto error = Emptying(top.get(), stop).run(); error != 0) return failed(error);
  if (rmdir(path.c_str()) != 0 && errno != ENOENT) return failed(errno);
  return {};
}

}  // namespace dd
