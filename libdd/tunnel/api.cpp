#include "libdd/tunnel/api.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "dd/random.hpp"
#include "libdd/core/json.hpp"
#include "libdd/net/backoff.hpp"
#include "libdd/net/http_client.hpp"

namespace dd::tunnel {
namespace {

constexpr std::chrono::milliseconds kOneTry{10'000};
constexpr std::chrono::seconds kDefaultRetryAfter{10};
constexpr std::chrono::seconds kLongestRetryAfter{300};
constexpr std::size_t kPageSize = 100;
constexpr std::size_t kMostPages = 100;
constexpr std::size_t kMaxAnswer = 4 * 1024 * 1024;
constexpr std::size_t kShown = 200;

std::chrono::seconds retry_after(const HttpResponse& response) {
  const auto* header = response.headers.find("Retry-After");
  long seconds = 0;
  if (header != nullptr) std::from_chars(header->data(), header->data() + header->size(), seconds);
  return seconds <= 0 ? kDefaultRetryAfter : std::min(std::chrono::seconds(seconds), kLongestRetryAfter);
}

ErrorCode code_for(int status) {
  if (status == 429) return ErrorCode::rate_limited;
  if (status >= 500) return ErrorCode::unavailable;
  return ErrorCode::upstream;
}

/// `success` is the only reliable flag: it may be false with HTTP 200.
ApiResult<Json> open_envelope(const HttpResponse& response) {
  const auto value = parse_json(response.body, {.max_bytes = kMaxAnswer});
  if (!value || !value->is_object()) {
    Error error{code_for(response.status), fmt::format("cannot read Cloudflare's answer: HTTP {}, no JSON object", response.status), {}, {}};
    return tl::unexpected(ApiError{std::move(error), 0, response.status, response.status >= 500});
  }
  const auto success = value->find("success");
  if (success != value->end() && success->is_boolean() && success->get<bool>() && response.status < 300) return value->value("result", Json());

  ApiError failure{{code_for(response.status), {}, {}, {}}, 0, response.status, response.status >= 500};
  std::string text = "no reason given";
  if (const auto errors = value->find("errors"); errors != value->end() && errors->is_array() && !errors->empty() && errors->front().is_object()) {
    const auto& first = errors->front();
    if (const auto code = first.find("code"); code != first.end() && code->is_number_integer()) failure.code = code->get<int>();
    if (const auto said = first.find("message"); said != first.end() && said->is_string()) text = said->get<std::string>().substr(0, kShown);
  }
  failure.error.message = fmt::format("cannot use Cloudflare's API: HTTP {}, code {}: {}", response.status, failure.code, text);
  return tl::unexpected(std::move(failure));
}

}  // namespace

/// One exchange, and whether another try makes sense.
struct Api::Attempt {
  ApiResult<Json> result = tl::unexpected(ApiError{});
  bool again = false;
};

Error to_error(const ApiError& failure) { return failure.error; }

Api::Api(asio::any_io_executor, std::shared_ptr<HttpTransport> transport, const CloudflareOptions& options)
    : transport_(std::move(transport)), options_(options), pace_(options.calls_per_second, options.burst) {}

net::Task<Api::Attempt> Api::attempt(std::string method, std::string path, std::string body, std::chrono::milliseconds left) {
  Attempt outcome;
  const bool allowed = co_await pace_.take(left);
  if (!allowed) {
    Error error{ErrorCode::rate_limited, "cannot call Cloudflare: its rate limit is used up", {}, {}};
    outcome.result = tl::unexpected(ApiError{std::move(error), 0, 429, false});
    co_return outcome;
  }
  HttpRequest request;
  request.method = method;
  request.url = options_.api_url + path;
  request.headers.set("Authorization", "Bearer " + std::string(options_.api_token.reveal()));
  if (!body.empty()) request.headers.set("Content-Type", "application/json");
  request.body = std::move(body);
  request.deadline = std::min(left, kOneTry);
  request.max_response_bytes = kMaxAnswer;
  const auto response = co_await net::send(*transport_, std::move(request));
  const bool idempotent = method != "POST";
  if (!response) {
    outcome.result = tl::unexpected(ApiError{response.error(), 0, 0, true});
    outcome.again = idempotent;
    co_return outcome;
  }
  if (response->status == 429) pace_.pause(retry_after(*response));
  outcome.result = open_envelope(*response);
  outcome.again = response->status == 429 || (response->status >= 500 && idempotent);
  co_return outcome;
}

net::Task<ApiResult<Json>> Api::call(std::string method, std::string path, Json body) {
  const auto deadline = std::chrono::steady_clock::now() + options_.deadline;
  const auto text = body.is_null() ? std::string() : to_text(body);
  net::BackoffOptions pauses;
  pauses.first = std::chrono::milliseconds(200);
  pauses.most = std::chrono::milliseconds(5'000);
  net::Backoff backoff(pauses, system_random());
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    auto outcome = co_await attempt(method, path, text, left);
    if (outcome.result || !outcome.again) co_return std::move(outcome.result);
    const auto pause = backoff.next();
    if (std::chrono::steady_clock::now() + pause >= deadline) co_return std::move(outcome.result);
    co_await net::sleep_for(pause);
  }
}

net::Task<ApiResult<std::vector<Json>>> Api::list(std::string path, std::string query) {
  std::vector<Json> items;
  std::set<std::string> seen;  // items shift between pages while others are made or deleted
  for (std::size_t page = 1; page <= kMostPages; ++page) {
    auto target = fmt::format("{}?{}{}page={}&per_page={}", path, query, query.empty() ? "" : "&", page, kPageSize);
    auto got = co_await call("GET", std::move(target), Json());
    if (!got) co_return tl::unexpected(std::move(got.error()));
    if (!got->is_array()) {
      Error error{ErrorCode::upstream, "cannot read Cloudflare's list: result is no array", {}, {}};
      co_return tl::unexpected(ApiError{std::move(error), 0, 200, false});
    }
    for (auto& item : *got) {
      const auto id = item.is_object() ? item.find("id") : item.end();
      if (!item.is_object() || id == item.end() || !id->is_string()) continue;
      if (seen.insert(id->get<std::string>()).second) items.push_back(std::move(item));
    }
    if (got->size() < kPageSize) co_return items;
  }
  Error error{ErrorCode::too_large, "cannot read Cloudflare's list: it has more than 10000 items", {}, {}};
  co_return tl::unexpected(ApiError{std::move(error), 0, 200, false});
}

}  // namespace dd::tunnel
