#include "libdd/fetch/download.hpp"

#include <algorithm>
#include <system_error>

#include "libdd/fetch/github_refusal.hpp"
#include "libdd/fetch/release_answer.hpp"
#include "libdd/net/backoff.hpp"
#include "libdd/net/http_client.hpp"
#include "libdd/net/retry_after.hpp"
#include "libdd/net/url.hpp"

namespace dd::fetch {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kAttempts = 5;
constexpr int kRedirects = 5;
constexpr std::int64_t kLongest = 24 * 3600 * 1000;  // of a deadline, in ms: a clock must hold it
constexpr std::size_t kMaxReleaseBytes = 4 * 1024 * 1024;
// Enough to be told of progress twice a second at 100 MB/s.
constexpr std::int64_t kDownloadReportEvery = 4 * 1024 * 1024;

class Download {
 public:
  Download(const protocol::GetAsset& order, AssetFile& file, const DownloadSeams& seams)
      : order_(order),
        file_(file),
        seams_(seams),
        deadline_(seams.now() + milliseconds(std::min(order.deadline_ms, kLongest))),
        what_("cannot fetch " + order.asset + " of " + order.repo + "@" + (order.tag.empty() ? "latest" : order.tag)) {}

  Result<void> run() {
    net::Backoff backoff({}, seams_.random);
    for (int attempt = 1;; ++attempt) {
      wait_.reset();
      auto done = once();
      if (done || attempt == kAttempts || !may_pass(done.error())) return done;
      const auto pause = std::max(wait_.value_or(milliseconds(0)), backoff.next());
      if (seams_.now() + pause >= deadline_) return done;
      seams_.pause(pause);
    }
  }

 private:
  [[nodiscard]] bool may_pass(const Error& error) const {
    if (file_.error() != 0) return false;  // a full disk
    return error.code == ErrorCode::unavailable || (error.code == ErrorCode::rate_limited && wait_.has_value());
  }

  Result<void> once() {
    const auto asset = ask_for_release();
    if (!asset) return tl::unexpected(asset.error());
    if (asset->size > order_.max_bytes)
      return fail(ErrorCode::too_large, what_ + ": it has " + std::to_string(asset->size) + " bytes, at most " +
                                            std::to_string(order_.max_bytes) + " are fetched");
    seams_.report(protocol::AssetFound{asset->tag, asset->size, asset->digest});
    return take(*asset);
  }

  Result<ReleaseAsset> ask_for_release() {
    auto request = to_github("/repos/" + order_.repo + "/releases/" +
                             (order_.tag.empty() ? "latest" : "tags/" + net::percent_encode(order_.tag)));
    request.headers.set("Accept", "application/vnd.github+json");
    request.max_response_bytes = kMaxReleaseBytes;
    const auto response = send(std::move(request));
    if (!response) return tl::unexpected(response.error());
    return find_asset(response->body, order_.repo, order_.asset);
  }

  Result<void> take(const ReleaseAsset& asset) {
    if (auto emptied = file_.restart(); !emptied) return emptied;
    auto request = request_for(asset);
    if (!request) return tl::unexpected(request.error());
    request->headers.set("Accept", "application/octet-stream");
    request->max_response_bytes = static_cast<std::size_t>(asset.size);
    std::int64_t reported = 0;
    request->sink = [this, &reported](std::string_view piece) {
      if (!file_.append(piece)) return false;
      if (file_.size() - reported >= kDownloadReportEvery) {
        reported = file_.size();
        seams_.report(protocol::FetchProgress{reported});
      }
      return true;
    };
    const auto response = send(*std::move(request));
    if (file_.error() != 0)
      return fail(ErrorCode::unavailable,
                  what_ + ": cannot store it: " + std::generic_category().message(file_.error()));
    if (!response) return tl::unexpected(response.error());
    if (file_.size() == asset.size) return {};
    return fail(ErrorCode::unavailable, what_ + ": " + std::to_string(file_.size()) + " bytes came, the release says " +
                                            std::to_string(asset.size));
  }

  /// With a token through the API, since a private asset's public URL takes no token; without one by that URL, which does not count against the
  /// rate limit of the API.
  Result<HttpRequest> request_for(const ReleaseAsset& asset) const {
    if (!order_.token.empty())
      return to_github("/repos/" + order_.repo + "/releases/assets/" + std::to_string(asset.id));
    const auto api = net::parse_url(order_.api_url);
    const auto url = net::parse_url(asset.download_url);
    if (!url || (api && api->scheme == "https" && url->scheme != "https"))
      return fail(ErrorCode::upstream, what_ + ": the release gives a URL that is not https");
    HttpRequest request;
    request.url = url->text();
    return request;
  }

  HttpRequest to_github(const std::string& path) const {
    HttpRequest request;
    request.url = order_.api_url + path;
    request.headers.set("X-GitHub-Api-Version", "2022-11-28");
    if (!order_.token.empty()) request.headers.set("Authorization", "Bearer " + std::string(order_.token.reveal()));
    return request;
  }

  Result<HttpResponse> send(HttpRequest request) {
    request.deadline = std::chrono::duration_cast<milliseconds>(deadline_ - seams_.now());
    if (request.deadline <= milliseconds(0)) return fail(ErrorCode::deadline_exceeded, what_ + ": it took too long");
    request.max_redirects = kRedirects;
    auto response = net::send_blocking(seams_.transport, std::move(request));
    if (!response) return wrap(response.error(), what_);
    if (response->status == 200) return response;
    wait_ = net::retry_after(response->headers);
    return tl::unexpected(refusal(*response, what_, !order_.token.empty()));
  }

  const protocol::GetAsset& order_;
  AssetFile& file_;
  const DownloadSeams& seams_;
  steady_clock::time_point deadline_;
  std::string what_;
  std::optional<milliseconds> wait_;  // that the last answer asked for
};

}  // namespace

Result<void> download(const protocol::GetAsset& order, AssetFile& file, const DownloadSeams& seams) {
  return Download(order, file, seams).run();
}

}  // namespace dd::fetch
