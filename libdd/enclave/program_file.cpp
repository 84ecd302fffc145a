#include "libdd/enclave/program_file.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <ranges>
#include <string>
#include <system_error>
#include <vector>

namespace dd::enclave {
namespace {

constexpr int kMostLinks = 40;  // as the kernel's own (path_resolution(7))

bool is_ours(uid_t uid) { return uid == 0 || uid == geteuid(); }

bool is_executable(const struct stat& info) { return S_ISREG(info.st_mode) && (info.st_mode & 0111) != 0; }

/// Follows a path by hand, folder by folder, for as long as they are ours. The kernel follows what is left in somebody else's.
class ProgramWalk {
 public:
  explicit ProgramWalk(const std::filesystem::path& path) : path_(path.string()) { go_on_with(path); }

  Result<UniqueFd> open() {
    while (!rest_.empty()) {
      const auto name = rest_.back();
      rest_.pop_back();
      UniqueFd entry(openat(at_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
      struct stat info{};
      if (!entry || fstat(entry.get(), &info) != 0) return not_there();
      if (S_ISLNK(info.st_mode)) {
        if (!is_ours(info.st_uid)) return refused("a link of uid " + std::to_string(info.st_uid) + " leads there");
        if (!follow(entry.get())) return not_there();
      } else if (S_ISDIR(info.st_mode)) {
        at_ = std::move(entry);
        if (!is_ours(info.st_uid)) return open_beneath(info.st_uid);
      } else {
        return rest_.empty() && is_executable(info) ? open_here(name) : not_there();
      }
    }
    return not_there();
  }

 private:
  void go_on_with(const std::filesystem::path& path) {
    if (path.is_absolute()) at_ = UniqueFd(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    const std::vector<std::string> parts(path.begin(), path.end());
    for (const auto& part : parts | std::views::reverse)
      if (!part.empty() && part != "." && part != "/") rest_.push_back(part);
  }

  bool follow(int link) {
    std::array<char, PATH_MAX> target{};
    const auto size = readlinkat(link, "", target.data(), target.size());
    if (++links_ > kMostLinks || size <= 0) return false;
    go_on_with(std::string(target.data(), static_cast<std::size_t>(size)));
    return true;
  }

  // Not blocking, here and below: the file may have become a FIFO since it was looked at.
  Result<UniqueFd> open_here(const std::string& name) {
    UniqueFd file(openat(at_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat info{};
    if (!file || fstat(file.get(), &info) != 0) return cannot_read(errno);
    if (!is_executable(info)) return not_there();
    return file;
  }

  Result<UniqueFd> open_beneath(uid_t owner) {
    std::string rest;
    for (const auto& part : rest_ | std::views::reverse) rest += (rest.empty() ? "" : "/") + part;
    if (rest.empty()) return not_there();
    open_how how{};
    how.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    UniqueFd file(static_cast<int>(syscall(SYS_openat2, at_.get(), rest.c_str(), &how, sizeof how)));
    const auto whose = "a folder of uid " + std::to_string(owner);
    if (!file && (errno == EXDEV || errno == ELOOP)) return refused("a link leads out of " + whose);
    if (!file && (errno == ENOENT || errno == ENOTDIR)) return not_there();
    struct stat info{};
    if (!file || fstat(file.get(), &info) != 0) return cannot_read(errno);
    if (!is_executable(info)) return not_there();
    if (info.st_uid != owner && (info.st_mode & S_IROTH) == 0)
      return refused("it is in " + whose + ", who may not read it");
    return file;
  }

  [[nodiscard]] tl::unexpected<Error> not_there() const {
    return fail_at(ErrorCode::not_found, "$.cmd[0]", "cannot find program " + path_ + ": no executable file is there");
  }
  [[nodiscard]] tl::unexpected<Error> refused(const std::string& why) const {
    return fail_at(ErrorCode::permission_denied, "$.cmd[0]", "cannot use program " + path_ + ": " + why);
  }
  [[nodiscard]] tl::unexpected<Error> cannot_read(int error) const {
    return fail_at(ErrorCode::unavailable, "$.cmd[0]",
                   "cannot read program " + path_ + ": " + std::generic_category().message(error));
  }

  std::string path_;
  UniqueFd at_;
  std::vector<std::string> rest_;  // the next one last
  int links_ = 0;
};

}  // namespace

Result<UniqueFd> open_program(const std::filesystem::path& path) { return ProgramWalk(path).open(); }

}  // namespace dd::enclave
