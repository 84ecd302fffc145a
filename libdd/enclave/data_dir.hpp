// The runtime's folder: the store of executables, the programs fetched for others, and a private folder for each app.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "dd/error.hpp"
#include "libdd/enclave/unique_fd.hpp"

namespace dd::enclave {

class DataDir {
 public:
  /// Makes the folders (0711) and takes the lock. Errors: conflict when another runtime has it; invalid_argument when a folder above it is closed
  /// to other users, under whom workloads run; unavailable.
  [[nodiscard]] static Result<DataDir> open(std::filesystem::path root, bool other_users);

  [[nodiscard]] std::filesystem::path store() const { return root_ / "store"; }
  /// Which app has which uid.
  [[nodiscard]] std::filesystem::path uids() const { return root_ / "uids.json"; }
  /// Programs that were fetched for others.
  [[nodiscard]] std::filesystem::path tools() const { return root_ / "bin"; }
  [[nodiscard]] std::filesystem::path work(const std::string& app) const { return root_ / "work" / app; }
  /// Makes the app's folder, for its owner alone. What is in it stays. Errors: conflict when it is another uid's.
  [[nodiscard]] Result<std::filesystem::path> make_work(const std::string& app, uid_t uid, gid_t gid) const;
  /// Makes the app's name free at once. What was there is to be removed from where it is now; empty: nothing was.
  [[nodiscard]] std::filesystem::path set_aside(const std::string& app) const;
  /// Executables of an earlier run go. Returns what is to be removed of its apps; only those in `keep` have a claim to what they left.
  [[nodiscard]] std::vector<std::filesystem::path> clear(const std::set<std::string>& keep) const;

 private:
  DataDir(std::filesystem::path root, UniqueFd lock) : root_(std::move(root)), lock_(std::move(lock)) {}

  std::filesystem::path root_;
  UniqueFd lock_;
};

/// An exclusive lock on a file that is made if need be; it goes with the descriptor. Errors: conflict, unavailable.
[[nodiscard]] Result<UniqueFd> lock_file(const std::filesystem::path& file);

}  // namespace dd::enclave
