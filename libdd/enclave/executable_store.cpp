#include "libdd/enclave/executable_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "dd/workload.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/enclave/program_file.hpp"
#include "libdd/enclave/system_error.hpp"

namespace dd::enclave {
namespace {

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

tl::unexpected<Error> too_large(const std::string& program) {
  return fail_at(ErrorCode::invalid_argument, "$.cmd[0]",
                 "cannot use program " + program + ": it has more than " +
                     std::to_string(ExecutableStore::kMostBytes >> 20) + " MiB");
}

/// It may grow meanwhile.
Result<void> copy_bytes(int from, int to, const std::string& program) {
  const auto what = "cannot copy program " + program;
  std::array<std::byte, 64 * 1024> buffer;
  for (std::int64_t copied = 0; copied <= ExecutableStore::kMostBytes;) {
    const auto got = read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure(what);
    if (got == 0) return {};
    if (auto written = write_all(to, buffer.data(), static_cast<std::size_t>(got), what); !written) return written;
    copied += got;
  }
  return too_large(program);
}

}  // namespace

ExecutableStore::ExecutableStore(std::filesystem::path folder, std::string search_path)
    : folder_(std::move(folder)), search_path_(std::move(search_path)) {}

Result<StagedExecutable> ExecutableStore::stage(const std::string& program) {
  const auto source = find(program);
  if (!source) return tl::unexpected(source.error());
  struct stat info{};
  if (fstat(source->get(), &info) != 0) return system_failure("cannot use program " + program);
  if (info.st_size > kMostBytes) return too_large(program);
  // What we put here ourselves and hashed there is known; the source is hashed to see whether it is that. If it changes meanwhile,
  // what runs is still the file in the store.
  if (const auto digest = crypto::sha256_open_file(source->get(), kMostBytes))
    if (auto known = find_staged(std::string(kDigestPrefix) + to_hex(*digest))) return *std::move(known);
  auto copy = TemporaryFile::make(folder_);
  if (!copy) return tl::unexpected(copy.error());
  if (const auto copied = copy_bytes(source->get(), copy->fd(), program); !copied)
    return tl::unexpected(copied.error());
  return adopt(*std::move(copy));
}

Result<StagedExecutable> ExecutableStore::adopt(TemporaryFile file) {
  const std::string what = "cannot keep a program";
  if (auto ended = file.end_writing(); !ended) return wrap(ended.error(), what);
  // Not to the disk: what a crash leaves here is trusted by nobody, a new start hashes anew.
  if (fchmod(file.fd(), 0555) != 0) return system_failure(what);
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

Result<UniqueFd> ExecutableStore::find(const std::string& program) const {
  if (program.starts_with('/')) return open_program(program);
  if (program.empty() || program.find('/') != std::string::npos)
    return fail_at(ErrorCode::invalid_argument, "$.cmd[0]",
                   "cannot find program " + program + ": want an absolute path, or a name without '/'");
  std::optional<Error> problem;  // of a file that is there; a good one may come behind it
  std::string_view rest = search_path_;
  while (!rest.empty()) {
    const auto folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    if (!folder.starts_with('/')) continue;
    auto file = open_program(std::filesystem::path(folder) / program);
    if (file) return file;
    if (!problem && file.error().code != ErrorCode::not_found) problem = file.error();
  }
  if (problem) return tl::unexpected(*std::move(problem));
  return fail_at(ErrorCode::not_found, "$.cmd[0]", "cannot find program " + program + " in " + search_path_);
}

std::filesystem::path ExecutableStore::path_of(const std::string& digest) const {
  return folder_ / ("sha256-" + digest.substr(kDigestPrefix.size()));
}

}  // namespace dd::enclave
