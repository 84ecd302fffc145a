#include "libdd/local/release_folder.hpp"

#include <algorithm>
#include <fstream>

#include <nlohmann/json.hpp>

#include "libdd/core/folder.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd::local {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kIdBytes = 6;  // JSON's numbers are exact up to 2^53

/// Entries whose name has no leading dot, by name.
std::vector<fs::path> visible_entries_of(const fs::path& folder, bool (*wanted)(const fs::path&, std::error_code&)) {
  std::vector<fs::path> found;
  std::error_code failed;
  for (const auto& entry : entries_of(folder))
    if (!entry.filename().string().starts_with('.') && wanted(entry, failed)) found.push_back(entry);
  std::ranges::sort(found);
  return found;
}

std::vector<fs::path> folders_of(const fs::path& folder) {
  return visible_entries_of(
      folder, [](const fs::path& path, std::error_code& failed) { return fs::is_directory(path, failed); });
}

std::optional<fs::path> folder_named(const fs::path& parent, std::string_view name) {
  for (const auto& folder : folders_of(parent))
    if (folder.filename() == name) return folder;
  return std::nullopt;
}

std::optional<fs::path> folder_of(const fs::path& root, const std::string& repository) {
  const auto slash = repository.find('/');
  if (root.empty() || slash == std::string::npos) return std::nullopt;
  const auto owner = folder_named(root, repository.substr(0, slash));
  return owner ? folder_named(*owner, repository.substr(slash + 1)) : std::nullopt;
}

std::int64_t id_of(const std::string& name) {
  const auto digest = crypto::sha256(as_bytes(name));
  std::int64_t id = 1;
  for (std::size_t i = 0; i < kIdBytes; ++i) id = id * 256 + static_cast<std::int64_t>(digest[i]);
  return id;
}

std::string announced_digest(const fs::path& asset) {
  std::ifstream instead(asset.parent_path() / ("." + asset.filename().string() + ".digest"));
  std::string text;
  if (instead) {
    std::getline(instead, text);
    return text;
  }
  const auto digest = crypto::sha256_file(asset.c_str());
  return digest ? "sha256:" + to_hex(*digest) : "";
}

FolderRelease read_release(const std::string& repository, const fs::path& folder) {
  FolderRelease release{repository, folder.filename().string(), {}};
  const auto files = visible_entries_of(
      folder, [](const fs::path& path, std::error_code& failed) { return fs::is_regular_file(path, failed); });
  for (const auto& file : files) {
    std::error_code failed;
    FolderAsset asset;
    asset.file = file;
    asset.name = file.filename().string();
    asset.id = id_of(repository + "/" + release.tag + "/" + asset.name);
    asset.size = static_cast<std::int64_t>(fs::file_size(file, failed));
    asset.digest = announced_digest(file);
    if (!failed) release.assets.push_back(std::move(asset));
  }
  return release;
}

}  // namespace

std::optional<FolderRelease> ReleaseFolder::find(const std::string& repository, const std::string& tag) const {
  const auto folder = folder_of(folder_, repository);
  const auto release = folder ? folder_named(*folder, tag) : std::nullopt;
  if (!release) return std::nullopt;
  return read_release(repository, *release);
}

std::optional<FolderRelease> ReleaseFolder::latest(const std::string& repository) const {
  const auto folder = folder_of(folder_, repository);
  const auto releases = folder ? folders_of(*folder) : std::vector<fs::path>();
  if (releases.empty()) return std::nullopt;
  const auto changed = [](const fs::path& release) {
    std::error_code failed;
    return std::pair(fs::last_write_time(release, failed), release);
  };
  return read_release(repository, *std::ranges::max_element(releases, {}, changed));
}

std::optional<FolderAsset> ReleaseFolder::asset(const std::string& repository, std::int64_t id) const {
  const auto folder = folder_of(folder_, repository);
  if (!folder) return std::nullopt;
  for (const auto& path : folders_of(*folder))
    for (auto& asset : read_release(repository, path).assets)
      if (asset.id == id) return std::move(asset);
  return std::nullopt;
}

Json to_json_value(const FolderAsset& asset) {
  Json value = {
      {"id", asset.id}, {"name", asset.name}, {"state", "uploaded"}, {"size", asset.size}, {"digest", nullptr}};
  if (!asset.digest.empty()) value["digest"] = asset.digest;
  return value;
}

Json to_json_value(const FolderRelease& release, const std::string& origin) {
  Json assets = Json::array();
  for (const auto& asset : release.assets) {
    auto& value = assets.emplace_back(to_json_value(asset));
    value["browser_download_url"] =
        origin + "/" + release.repository + "/releases/download/" + release.tag + "/" + asset.name;
  }
  return {{"tag_name", release.tag}, {"draft", false}, {"prerelease", false}, {"assets", std::move(assets)}};
}

}  // namespace dd::local
