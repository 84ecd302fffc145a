#include "libdd/fetch/release_answer.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"

namespace dd::fetch {
namespace {

// GitHub lists up to 1000 assets, each about 1.5 KiB.
constexpr JsonLimits kLimits{.max_bytes = 4 * 1024 * 1024};
constexpr std::size_t kMaxAssets = 1000;
constexpr std::size_t kShownNames = 20;
constexpr std::int64_t kMaxId = std::int64_t{1} << 53;
constexpr std::size_t kMaxUrl = 8 * 1024;

bool is_digest(std::string_view text) {
  return text.starts_with("sha256:") && text.size() == 71 &&
         std::ranges::all_of(text.substr(7), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string name_of(const Json& asset) {
  const auto name = asset.is_object() ? asset.find("name") : asset.end();
  return asset.is_object() && name != asset.end() && name->is_string() ? name->get<std::string>() : std::string();
}

std::string names_in(const Json& assets) {
  std::string names;
  std::size_t shown = 0;
  for (const auto& asset : assets) {
    if (++shown > kShownNames) return names + ", …";
    names += (names.empty() ? "" : ", ") + name_of(asset);
  }
  return names;
}

Result<ReleaseAsset> read_asset(const Json& value, std::string tag, const std::string& what) {
  ObjectReader reader(value, "$.assets[]");
  ReleaseAsset asset;
  asset.tag = std::move(tag);
  asset.id = reader.integer("id", 1, kMaxId);
  asset.size = reader.integer("size", 0, kMaxId);
  asset.download_url = reader.text("browser_download_url", {.least = 1, .most = kMaxUrl});
  asset.digest =
      reader.optional_text("digest", {.accepts = is_digest, .expected = "sha256: and 64 hex digits"}).value_or("");
  const auto state = reader.optional_text("state").value_or("uploaded");
  if (reader.error()) return fail(ErrorCode::upstream, what + ": " + reader.error()->message);
  if (state != "uploaded") return fail(ErrorCode::unavailable, what + ": its upload has not finished");
  return asset;
}

}  // namespace

Result<ReleaseAsset> find_asset(std::string_view body, const std::string& repo, const std::string& asset) {
  const auto release = parse_json(body, kLimits);
  const auto no_release = "cannot fetch " + asset + " of " + repo + ": the answer is no release: ";
  if (!release) return fail(ErrorCode::upstream, no_release + release.error().message);
  ObjectReader reader(*release, "$");
  auto tag = reader.text("tag_name", {.least = 1});
  const auto* assets = reader.array("assets", kMaxAssets);
  if (reader.error()) return fail(ErrorCode::upstream, no_release + reader.error()->message);
  const auto what = "cannot fetch " + asset + " of " + repo + "@" + tag;
  const auto found = std::ranges::find(*assets, asset, name_of);
  if (found != assets->end()) return read_asset(*found, std::move(tag), what);
  if (assets->empty()) return fail(ErrorCode::not_found, what + ": the release has no assets");
  return fail(ErrorCode::not_found, what + ": the release has no such asset, only " + names_in(*assets));
}

}  // namespace dd::fetch
