// A release as GitHub's API describes it, and the one asset of it that is wanted. Free of the network.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dd/error.hpp"

namespace dd::fetch {

struct ReleaseAsset {
  std::string tag;
  std::int64_t id = 0;
  std::int64_t size = 0;
  std::string digest;        // "sha256:<hex>", or empty
  std::string download_url;  // for everybody; takes no token
};

/// From the answer of `GET /repos/{repo}/releases/latest` or `/releases/tags/{tag}`. Errors: upstream when it is no release; not_found with the names
/// that are there; unavailable when the asset's upload has not finished.
[[nodiscard]] Result<ReleaseAsset> find_asset(std::string_view body, const std::string& repo, const std::string& asset);

}  // namespace dd::fetch
