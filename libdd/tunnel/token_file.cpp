#include "libdd/tunnel/token_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace dd::tunnel {
namespace {

Error cannot_write(const std::filesystem::path& path) {
  return {ErrorCode::unavailable,
          "cannot write the tunnel token to " + path.string() + ": " + std::generic_category().message(errno),
          {},
          {}};
}

Result<void> make_private(const std::filesystem::path& directory) {
  std::error_code ignored;  // what matters is whether the last one can be made
  std::filesystem::create_directories(directory.parent_path(), ignored);
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return tl::unexpected(cannot_write(directory));
  struct stat info{};
  if (lstat(directory.c_str(), &info) != 0) return tl::unexpected(cannot_write(directory));
  if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & 0077) != 0)
    return fail(ErrorCode::invalid_argument,
                "cannot write the tunnel token: " + directory.string() + " is not a directory of ours with mode 0700");
  return {};
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto count = write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

Result<std::filesystem::path> write_token_file(const std::filesystem::path& directory, const Secret& token) {
  if (auto made = make_private(directory); !made) return tl::unexpected(made.error());
  auto path = directory / "tunnel-token";
  const auto fresh = directory / "tunnel-token.new";
  unlink(fresh.c_str());  // of a start that was cut short
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return tl::unexpected(cannot_write(fresh));
  const bool written = write_all(fd, token.reveal());
  auto error = cannot_write(fresh);
  close(fd);
  if (written && rename(fresh.c_str(), path.c_str()) == 0) return path;
  if (written) error = cannot_write(path);
  unlink(fresh.c_str());
  return tl::unexpected(std::move(error));
}

}  // namespace dd::tunnel
