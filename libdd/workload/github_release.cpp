#include <algorithm>

#include <nlohmann/json.hpp>

#include "libdd/workload/release_reader.hpp"

namespace dd {
namespace {

constexpr std::size_t kDigestHex = 64;

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

// GitHub's own alphabet for owners and repositories; "." and ".." would leave the path of the API call.
bool is_repository_part(std::string_view text) {
  return !text.empty() && text.size() <= 100 && text != "." && text != ".." && std::ranges::all_of(text, is_name_char);
}

bool is_repository(std::string_view text) {
  const auto slash = text.find('/');
  return slash != std::string_view::npos && is_repository_part(text.substr(0, slash)) &&
         is_repository_part(text.substr(slash + 1));
}

// GitHub stores other characters as dots. No leading dash: it stands in command lines.
bool is_file_name(std::string_view text) {
  const auto usual = [](char c) { return is_name_char(c) || c == '+' || c == '~' || c == '@'; };
  return !text.empty() && text.size() <= 255 && text.front() != '.' && text.front() != '-' &&
         std::ranges::all_of(text, usual);
}

bool is_member_path(std::string_view text) {
  if (text.size() > 1024) return false;
  while (true) {
    const auto slash = text.find('/');
    if (!is_file_name(text.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

// What git allows in a tag's name and a URL path may carry once encoded (git-check-ref-format).
bool is_tag(std::string_view text) {
  const auto refused = [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f ||
           std::string_view("~^:?*[\\").find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= 255 && text.front() != '/' && text.front() != '-' &&
         text.find("..") == std::string_view::npos && std::ranges::none_of(text, refused);
}

// GitHub writes "sha256:<hex>" and sha256sum only the digits.
std::string_view digits_of(std::string_view text) {
  return text.starts_with(kDigestPrefix) ? text.substr(kDigestPrefix.size()) : text;
}

bool is_sha256(std::string_view text) {
  const auto digits = digits_of(text);
  return digits.size() == kDigestHex &&
         std::ranges::all_of(digits, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

constexpr TextRule kRepositoryRule{1, 256, is_repository, "owner/name"};
constexpr TextRule kAssetRule{1, 255, is_file_name, "the file name of an asset"};
constexpr TextRule kTagRule{1, 255, is_tag, "the name of a tag"};
constexpr TextRule kRenameRule{1, 1024, is_member_path, "a file name, or for an archive the path of a file inside it"};
constexpr TextRule kSha256Rule{kDigestHex, 128, is_sha256, "64 lower-case hex digits, with or without \"sha256:\""};

}  // namespace

Result<ReleaseReading> read_github_release(const Json& value, std::string path) {
  ObjectReader reader(value, std::move(path));
  ReleaseReading reading;
  auto& release = reading.release;
  release.repo = reader.text("repo", kRepositoryRule);
  release.asset = reader.text("asset", kAssetRule);
  release.tag = reader.optional_text("tag", kTagRule).value_or("");
  release.rename = reader.optional_text("rename", kRenameRule).value_or("");
  if (const auto digest = reader.optional_text("sha256", kSha256Rule)) release.sha256 = digits_of(*digest);
  if (!is_archive(release.asset) && release.rename.find('/') != std::string::npos)
    reader.problem("rename", ErrorCode::invalid_argument, "want a file name: the asset is no archive");
  if (reader.error()) return tl::unexpected(*reader.error());
  reading.unknown = reader.unknown();
  return reading;
}

Json to_json_value(const GithubRelease& release) {
  Json value = {{"repo", release.repo}, {"asset", release.asset}};
  put_text(value, "tag", release.tag);
  put_text(value, "rename", release.rename);
  put_text(value, "sha256", release.sha256);
  return value;
}

bool is_archive(std::string_view asset) noexcept { return asset.ends_with(".tar.gz") || asset.ends_with(".tgz"); }

std::string program_of(const GithubRelease& release) {
  if (!release.rename.empty()) return release.rename;
  for (const std::string_view end : {".tar.gz", ".tgz"})
    if (release.asset.ends_with(end)) return release.asset.substr(0, release.asset.size() - end.size());
  return release.asset;
}

std::string source_text(const GithubRelease& release) {
  return release.repo + "@" + (release.tag.empty() ? "latest" : release.tag);
}

}  // namespace dd
