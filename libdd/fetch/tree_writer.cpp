#include "libdd/fetch/tree_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace dd::fetch {
namespace {

std::string joined(const MemberParts& parts) {
  std::string path;
  for (const auto& part : parts) path += (path.empty() ? "" : "/") + part;
  return path;
}

tl::unexpected<Error> failed(const MemberParts& parts) {
  const int number = errno;
  // What is in the way was made by the archive itself.
  const bool theirs = number == ENOTDIR || number == ELOOP || number == EISDIR || number == EEXIST ||
                      number == ENOENT || number == ENOTEMPTY || number == EPERM;
  return fail(theirs ? ErrorCode::invalid_argument : ErrorCode::unavailable,
              "cannot unpack " + joined(parts) + ": " + std::generic_category().message(number));
}

/// Closes what it holds, and keeps errno.
class Fd {
 public:
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    const int kept = errno;
    if (fd_ >= 0) close(fd_);
    errno = kept;
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

}  // namespace

Result<void> TreeWriter::make_if_missing(int above, const MemberParts& parts, std::size_t i) {
  if (mkdirat(above, parts[i].c_str(), 0755) != 0) {
    if (errno == EEXIST) return {};
    return failed(parts);
  }
  if (--folders_left_ >= 0) return {};
  return fail(ErrorCode::too_large, "cannot unpack archive: it has too many folders");
}

Result<int> TreeWriter::open_folder(const MemberParts& parts, std::size_t count, Missing missing) {
  int here = openat(folder_, ".", kFolderFlags);
  for (std::size_t i = 0; i < count && here >= 0; ++i) {
    const Fd above(here);
    if (missing == Missing::make)
      if (auto made = make_if_missing(above.get(), parts, i); !made) return tl::unexpected(made.error());
    here = openat(above.get(), parts[i].c_str(), kFolderFlags);
  }
  if (here < 0) return failed(parts);
  return here;
}

Result<int> TreeWriter::open_place(const MemberParts& parts) {
  if (parts.empty())
    return fail(ErrorCode::invalid_argument, "cannot unpack archive: a member that is no folder has no name");
  auto folder = open_folder(parts, parts.size() - 1, Missing::make);
  if (!folder || unlinkat(*folder, parts.back().c_str(), 0) == 0 || errno == ENOENT) return folder;
  const Fd unused(*folder);
  return failed(parts);
}

Result<void> TreeWriter::make_folder(const MemberParts& parts) {
  const auto folder = open_folder(parts, parts.size(), Missing::make);
  if (!folder) return tl::unexpected(folder.error());
  close(*folder);
  return {};
}

Result<int> TreeWriter::make_file(const MemberParts& parts, bool executable) {
  const auto place = open_place(parts);
  if (!place) return place;
  const Fd folder(*place);
  const int fd = openat(folder.get(), parts.back().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                        executable ? 0755 : 0644);
  if (fd < 0) return failed(parts);
  return fd;
}

Result<void> TreeWriter::make_link(const MemberParts& parts, const std::string& target) {
  const auto place = open_place(parts);
  if (!place) return tl::unexpected(place.error());
  const Fd folder(*place);
  if (symlinkat(target.c_str(), folder.get(), parts.back().c_str()) != 0) return failed(parts);
  return {};
}

Result<void> TreeWriter::make_second_name(const MemberParts& parts, const MemberParts& existing) {
  if (existing.empty() || parts == existing)
    return fail(ErrorCode::invalid_argument, "cannot unpack " + joined(parts) + ": it links to itself or to nothing");
  const auto source = open_folder(existing, existing.size() - 1, Missing::refuse);
  if (!source) return tl::unexpected(source.error());
  const Fd from(*source);
  const auto place = open_place(parts);
  if (!place) return tl::unexpected(place.error());
  const Fd to(*place);
  // Without AT_SYMLINK_FOLLOW: a second name of a link is a link of the same, checked target only at its own place.
  struct stat info{};
  if (fstatat(from.get(), existing.back().c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return failed(parts);
  if (!S_ISREG(info.st_mode))
    return fail(ErrorCode::invalid_argument, "cannot unpack " + joined(parts) + ": it links to what is no file");
  if (linkat(from.get(), existing.back().c_str(), to.get(), parts.back().c_str(), 0) != 0) return failed(parts);
  return {};
}

}  // namespace dd::fetch
