// Executables under the names of their digests, so that what the event log says is what runs (design: "The event log").
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "dd/error.hpp"
#include "libdd/enclave/temporary_file.hpp"

namespace dd::enclave {

struct StagedExecutable {
  std::string digest;  // "sha256:" + 64 hex
  std::filesystem::path path;
};

/// A folder that only the runtime writes. Thread-safe.
class ExecutableStore {
 public:
  /// Of one program: whoever has a file of more could keep the store busy for hours.
  static constexpr std::int64_t kMostBytes = std::int64_t{2} << 30;

  /// `folder` exists. `search_path` is colon-separated, absolute folders.
  ExecutableStore(std::filesystem::path folder, std::string search_path);

  /// Finds `program` (absolute, or a name without '/' in the search path), copies it, and names the copy by the digest of the bytes copied.
  /// What is in the folder from earlier runs is not believed. Blocks. Errors: not_found, invalid_argument (relative path, too large),
  /// permission_denied (a workload's link, see open_program), unavailable.
  [[nodiscard]] Result<StagedExecutable> stage(const std::string& program);
  /// A file in folder() that nobody writes any more gets its digest for a name. Blocks. Errors: unavailable.
  [[nodiscard]] Result<StagedExecutable> adopt(TemporaryFile file);
  /// What this run has put there under that digest.
  [[nodiscard]] std::optional<StagedExecutable> find_staged(const std::string& digest);
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }
  /// Removes every file whose digest is not in `used`.
  void retain(const std::set<std::string>& used);

 private:
  [[nodiscard]] Result<UniqueFd> find(const std::string& program) const;
  [[nodiscard]] std::filesystem::path path_of(const std::string& digest) const;

  std::filesystem::path folder_;
  std::string search_path_;
  std::mutex mutex_;
  std::set<std::string> staged_;  // digests that this run has put there
};

}  // namespace dd::enclave
