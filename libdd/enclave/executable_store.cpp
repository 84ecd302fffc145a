#include "libdd/enclave/executable_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "dd/workload.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/enclave/system_error.hpp"
#include "libdd/enclave/unique_fd.hpp"

namespace dd::enclave {
namespace {

bool is_executable_file(const std::filesystem::path& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 0111) != 0;
}

Result<void> write_all(int fd, const std::byte* data, std::size_t size, const std::string& what) {
  while (size > 0) {
    const auto written = write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_failure(what);
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  return {};
}

Result<void> copy_bytes(int from, int to, const std::string& what) {
  std::array<std::byte, 64 * 1024> buffer;
  for (;;) {
    const auto got = read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure(what);
    if (got == 0) return {};
    if (auto written = write_all(to, buffer.data(), static_cast<std::size_t>(got), what); !written) return written;
  }
}

}  // namespace

ExecutableStore::ExecutableStore(std::filesystem::path folder, std::string search_path)
    : folder_(std::move(folder)), search_path_(std::move(search_path)) {}

Result<StagedExecutable> ExecutableStore::stage(const std::string& program) {
  const auto source = find(program);
  if (!source) return tl::unexpected(source.error());
  // What we put here ourselves and hashed there is known; the source is hashed to see whether it is that. If it changes meanwhile,
  // what runs is still the file in the store.
  if (const auto digest = crypto::sha256_file(source->c_str()))
    if (auto known = find_staged(std::string(kDigestPrefix) + to_hex(*digest))) return *std::move(known);
  auto copy = copy_of(*source);
  if (!copy) return tl::unexpected(copy.error());
  return adopt(*std::move(copy));
}

Result<StagedExecutable> ExecutableStore::adopt(TemporaryFile file) {
  const std::string what = "cannot keep a program";
  if (auto ended = file.end_writing(); !ended) return wrap(ended.error(), what);
  if (fchmod(file.fd(), 0555) != 0 || fsync(file.fd()) != 0) return system_failure(what);
  const auto digest = crypto::sha256_file(file.path().c_str());
  if (!digest) return wrap(digest.error(), what);
  StagedExecutable staged{std::string(kDigestPrefix) + to_hex(*digest), {}};
  staged.path = path_of(staged.digest);
  const std::lock_guard lock(mutex_);
  if (auto renamed = file.rename_to(staged.path); !renamed) return tl::unexpected(renamed.error());
  staged_.insert(staged.digest);
  return staged;
}

std::optional<StagedExecutable> ExecutableStore::find_staged(const std::string& digest) {
  const std::lock_guard lock(mutex_);
  if (!staged_.contains(digest)) return std::nullopt;
  return StagedExecutable{digest, path_of(digest)};
}

void ExecutableStore::retain(const std::set<std::string>& used) {
  const std::lock_guard lock(mutex_);
  std::erase_if(staged_, [&](const std::string& digest) {
    return !used.contains(digest) && unlink(path_of(digest).c_str()) == 0;
  });
}

Result<std::filesystem::path> ExecutableStore::find(const std::string& program) const {
  if (program.starts_with('/')) {
    if (is_executable_file(program)) return std::filesystem::path(program);
    return fail_at(ErrorCode::not_found, "$.cmd[0]",
                   "cannot find program " + program + ": no executable file is there");
  }
  if (program.empty() || program.find('/') != std::string::npos)
    return fail_at(ErrorCode::invalid_argument, "$.cmd[0]",
                   "cannot find program " + program + ": want an absolute path, or a name without '/'");
  std::string_view rest = search_path_;
  while (!rest.empty()) {
    const auto folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    const auto candidate = std::filesystem::path(folder) / program;
    if (folder.starts_with('/') && is_executable_file(candidate)) return candidate;
  }
  return fail_at(ErrorCode::not_found, "$.cmd[0]", "cannot find program " + program + " in " + search_path_);
}

Result<TemporaryFile> ExecutableStore::copy_of(const std::filesystem::path& source) const {
  const auto what = "cannot copy program " + source.string();
  // Not blocking: the file may have become a FIFO since it was looked at.
  const UniqueFd from(open(source.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info{};
  if (!from || fstat(from.get(), &info) != 0) return system_failure(what);
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::invalid_argument, what + ": it is no regular file");
  auto copy = TemporaryFile::make(folder_);
  if (!copy) return copy;
  if (const auto copied = copy_bytes(from.get(), copy->fd(), what); !copied) return tl::unexpected(copied.error());
  return copy;
}

std::filesystem::path ExecutableStore::path_of(const std::string& digest) const {
  return folder_ / ("sha256-" + digest.substr(kDigestPrefix.size()));
}

}  // namespace dd::enclave
