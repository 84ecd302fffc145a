#include "libdd/enclave/fetch_words.hpp"

namespace dd::enclave {

Result<void> check_digest(const GithubRelease& release, const std::string& announced, const std::string& digest) {
  const auto refuse = [&](const std::string& who, const std::string& wanted) {
    return fail(ErrorCode::permission_denied, "cannot use " + release.asset + " of " + source_text(release) +
                                                  ": it is " + digest + ", and " + who + " says " + wanted);
  };
  const auto pinned = release.sha256.empty() ? std::string() : std::string(kDigestPrefix) + release.sha256;
  if (!pinned.empty() && digest != pinned) return refuse("the request", pinned);
  if (!announced.empty() && digest != announced) return refuse("the release", announced);
  return {};
}

std::string FetchWords::found(const protocol::AssetFound& asset) {
  size_ = asset.size;
  quarters_ = 0;
  return "fetching " + release_.asset + " of " + release_.repo + "@" + asset.tag + ": " + std::to_string(asset.size) +
         " bytes, " + (asset.digest.empty() ? "no digest is announced" : asset.digest);
}

std::string FetchWords::progress(std::int64_t bytes) {
  const auto quarters = size_ > 0 ? bytes * 4 / size_ : 0;
  if (quarters <= quarters_ || quarters >= 4) return {};
  quarters_ = quarters;
  return "fetched " + std::to_string(quarters * 25) + " %";
}

}  // namespace dd::enclave
