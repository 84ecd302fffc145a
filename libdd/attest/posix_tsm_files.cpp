#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "libdd/attest/tsm_files.hpp"

namespace dd::attest {
namespace {

tl::unexpected<int> last_error() { return tl::unexpected(errno); }

class PosixTsmFiles final : public TsmFiles {
 public:
  Attempted<void> make_directory(const std::filesystem::path& path) override {
    if (::mkdir(path.c_str(), 0700) != 0) return last_error();
    return {};
  }

  Attempted<void> remove_directory(const std::filesystem::path& path) override {
    if (::rmdir(path.c_str()) != 0) return last_error();
    return {};
  }

  Attempted<void> write(const std::filesystem::path& file, ByteView data) override {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return last_error();
    const auto written = ::write(fd, data.data(), data.size());
    const int write_error = errno;
    const bool closed = ::close(fd) == 0;
    if (written < 0) return tl::unexpected(write_error);
    if (static_cast<std::size_t>(written) != data.size()) return tl::unexpected(EIO);
    if (!closed) return last_error();
    return {};
  }

  Attempted<Bytes> read(const std::filesystem::path& file, std::size_t most) override {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return last_error();
    auto bytes = read_all(fd, most);
    ::close(fd);
    return bytes;
  }

  bool writable(const std::filesystem::path& file) override { return ::access(file.c_str(), W_OK) == 0; }

  Attempted<std::vector<std::string>> list(const std::filesystem::path& folder) override {
    std::vector<std::string> names;
    std::error_code error;
    std::filesystem::directory_iterator entry(folder, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
      names.push_back(entry->path().filename());
    if (error) return tl::unexpected(error.value());
    return names;
  }

  bool is_running(pid_t process) override { return ::kill(process, 0) == 0 || errno != ESRCH; }

 private:
  static Attempted<Bytes> read_all(int fd, std::size_t most) {
    Bytes bytes;
    std::array<std::byte, 16 * 1024> buffer{};
    while (bytes.size() < most) {
      const auto got = ::read(fd, buffer.data(), std::min(buffer.size(), most - bytes.size()));
      if (got < 0) return last_error();
      if (got == 0) break;
      bytes.insert(bytes.end(), buffer.begin(), buffer.begin() + got);
    }
    return bytes;
  }
};

}  // namespace

std::unique_ptr<TsmFiles> make_posix_tsm_files() { return std::make_unique<PosixTsmFiles>(); }

}  // namespace dd::attest
