#include "libdd/core/tree_removal.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
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

bool is_not_empty(int error) { return error == ENOTEMPTY || error == EEXIST; }

// Whose owner locked himself out. Root needs none of it, and is not to change a mode by a name that may be a link meanwhile.
bool unlock(int parent, const char* name) { return geteuid() != 0 && fchmodat(parent, name, S_IRWXU, 0) == 0; }

FolderPtr open_folder(int parent, const char* name) {
  constexpr int kHow = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int fd = openat(parent, name, kHow);
  if (fd < 0 && errno == EACCES && unlock(parent, name)) fd = openat(parent, name, kHow);
  if (fd < 0) return nullptr;
  if (geteuid() != 0) fchmod(fd, S_IRWXU);
  FolderPtr folder(fdopendir(fd));
  if (!folder) close(fd);
  return folder;
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
  Emptying(DIR* top, const std::stop_token& stop) : top_(top), stop_(stop) {}

  /// 0, or the errno of what could not be removed.
  int run() {
    for (;;) {
      const auto before = steps_;
      failure_ = 0;
      rewinddir(top_);
      bool found = false;
      while (const auto* name = next_name(top_)) {
        found = true;
        if (stop_.stop_requested()) return ECANCELED;
        take(name);
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
      // Somebody has that name; there are not more of them than of what is being removed.
      if (!is_not_empty(errno) && errno != ENOTDIR) return note(errno);
    }
  }

  void note(int error) {
    if (failure_ == 0) failure_ = error;
  }

  DIR* top_;
  const std::stop_token& stop_;
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
  const auto top = open_folder(AT_FDCWD, path.c_str());
  if (!top) return failed(errno);
  if (const auto error = Emptying(top.get(), stop).run(); error != 0) return failed(error);
  if (rmdir(path.c_str()) != 0 && errno != ENOENT) return failed(errno);
  return {};
}

}  // namespace dd
