// Downloads an asset of a GitHub release (docs/wire.md, 7).
#pragma once

#include <chrono>
#include <functional>

#include "dd/http.hpp"
#include "dd/random.hpp"
#include "libdd/fetch/asset_file.hpp"
#include "libdd/protocol/fetch.hpp"

namespace dd::fetch {

/// What a download needs and tests replace.
struct DownloadSeams {
  HttpTransport& transport;
  std::function<void(const protocol::FetchReport&)> report;
  /// Waits before another attempt.
  std::function<void(std::chrono::milliseconds)> pause;
  std::function<std::chrono::steady_clock::time_point()> now;
  Random& random;
};

/// Asks for the release, reports AssetFound, writes the asset into `file`. What may pass (no connection, 5xx, a broken transfer) is tried again until
/// the order's deadline; GitHub's rate limit is waited for when the answer has Retry-After and that is within it. The token goes to `api_url` only: redirects to another origin are
/// followed without it. Errors: not_found, unauthenticated, permission_denied, rate_limited, too_large, upstream, unavailable, deadline_exceeded.
[[nodiscard]] Result<void> download(const protocol::GetAsset& order, AssetFile& file, const DownloadSeams& seams);

}  // namespace dd::fetch
