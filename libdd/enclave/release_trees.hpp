// What unpacked archives of releases hold, each under the digest of its archive.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "dd/error.hpp"
#include "libdd/enclave/executable_store.hpp"
#include "libdd/enclave/unique_fd.hpp"

namespace dd::enclave {

/// A folder that the helper fills; it goes again unless it was kept, which blocks.
class IncomingTree {
 public:
  IncomingTree(std::filesystem::path path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  IncomingTree(IncomingTree&& other) noexcept : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}
  IncomingTree& operator=(IncomingTree&&) = delete;
  IncomingTree(const IncomingTree&) = delete;
  IncomingTree& operator=(const IncomingTree&) = delete;
  ~IncomingTree();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  void kept() noexcept { path_.clear(); }

 private:
  std::filesystem::path path_;
  UniqueFd fd_;
};

/// Beside the executables, in a folder that only the runtime writes. Thread-safe.
class ReleaseTrees {
 public:
  explicit ReleaseTrees(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// An empty folder that belongs to `uid`. Errors: unavailable.
  [[nodiscard]] Result<IncomingTree> make(uid_t uid, gid_t gid) const;
  /// Takes it over from `uid`, no process of which may be left: everything in it becomes the runtime's and unwritable. Blocks. Errors: invalid_argument when
  /// something is in it that unpacking does not make (another's file, a device, a link that leads out), unavailable.
  [[nodiscard]] Result<std::filesystem::path> keep(IncomingTree tree, uid_t uid, const std::string& digest);
  /// A program in a kept tree, to be run from there. Blocks. Errors: not_found with the programs that the tree has, unavailable.
  [[nodiscard]] Result<StagedExecutable> program_in(const std::filesystem::path& tree, const std::string& name) const;
  /// The tree of an archive with that digest, or empty.
  [[nodiscard]] std::filesystem::path find(const std::string& digest);
  /// Takes every tree whose digest is not in `used` away, to the folders that it returns: they are to be removed.
  [[nodiscard]] std::vector<std::filesystem::path> retain(const std::set<std::string>& used);

 private:
  [[nodiscard]] std::filesystem::path path_of(const std::string& digest) const;

  std::filesystem::path folder_;
  std::mutex mutex_;
  int removed_ = 0;
  std::set<std::string> kept_;  // digests that this run has put there
};

}  // namespace dd::enclave
