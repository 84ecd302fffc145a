// Releases as a folder holds them, and what GitHub would say of them: OWNER/REPO/TAG/ASSET.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dd/error.hpp"
#include "libdd/core/json.hpp"

namespace dd::local {

struct FolderAsset {
  std::filesystem::path file;
  std::string name;
  std::int64_t id = 0;  // of its path: the same as long as it is there
  std::int64_t size = 0;
  std::string digest;  // what the release announces; empty: nothing
};

struct FolderRelease {
  std::string repository;  // "owner/repo"
  std::string tag;
  std::vector<FolderAsset> assets;  // by name
};

/// Reads the folder at each call, so that what is put there is released. Names are compared, never joined to a path. A file `.ASSET.digest` holds what
/// is announced in place of the asset's true digest. Tags have no slash here. Blocks.
class ReleaseFolder {
 public:
  /// Empty: no releases.
  explicit ReleaseFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  [[nodiscard]] std::optional<FolderRelease> find(const std::string& repository, const std::string& tag) const;
  /// The one whose folder changed last; of two at the same time the one whose tag sorts last.
  [[nodiscard]] std::optional<FolderRelease> latest(const std::string& repository) const;
  [[nodiscard]] std::optional<FolderAsset> asset(const std::string& repository, std::int64_t id) const;

 private:
  std::filesystem::path folder_;
};

/// As in GitHub's REST API; URLs begin with `origin`.
[[nodiscard]] Json to_json_value(const FolderRelease& release, const std::string& origin);
[[nodiscard]] Json to_json_value(const FolderAsset& asset);

}  // namespace dd::local
