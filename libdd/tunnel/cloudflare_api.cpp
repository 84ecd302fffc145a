#include "libdd/tunnel/cloudflare_api.hpp"

#include <algorithm>
#include <unordered_set>

#include "dd/log.hpp"
#include "libdd/core/json.hpp"
#include "libdd/net/http_client.hpp"
#include "libdd/net/url.hpp"

namespace dd::tunnel {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kPageSize = 100;  // works on every plan and endpoint
constexpr std::size_t kMaxPages = 1000;
constexpr std::size_t kMaxAnswerBytes = 8 * 1024 * 1024;

PacingOptions pacing_of(const CloudflareOptions& options) {
  PacingOptions pacing;
  pacing.requests_per_second = options.calls_per_second;
  pacing.burst = options.burst;
  return pacing;
}

bool may_repeat(const ApiCall& call, const ApiFailure& failure) {
  if (failure.retry_after) return true;
  return failure.effect == Effect::unknown && call.method != "POST";
}

tl::unexpected<ApiFailure> no_answer(const Error& error, const std::string& what) {
  ApiFailure failure;
  failure.error = wrap(error, "cannot " + what).value();
  failure.effect = Effect::unknown;
  return tl::unexpected(std::move(failure));
}

tl::unexpected<ApiFailure> out_of_time(const std::string& what, milliseconds paused) {
  ApiFailure failure;
  failure.error.code = ErrorCode::rate_limited;
  failure.error.message = "cannot " + what + ": Cloudflare's rate limit leaves no turn before the deadline";
  if (paused.count() > 0) failure.error.message += ", paused for " + std::to_string(paused.count()) + " ms";
  failure.error.retry_after = std::max(std::chrono::ceil<std::chrono::seconds>(paused), std::chrono::seconds(1));
  return tl::unexpected(std::move(failure));
}

}  // namespace

Api::Api(std::shared_ptr<HttpTransport> transport, CloudflareOptions options, std::shared_ptr<Timer> timer)
    : transport_(std::move(transport)),
      options_(std::move(options)),
      timer_(timer),
      pacer_(pacing_of(options_), std::move(timer)) {
  if (options_.paused_for.count() > 0) pacer_.pause_until(timer_->now() + options_.paused_for);
}

net::Backoff Api::backoff() const { return net::Backoff(options_.backoff, system_random()); }

net::Task<bool> Api::pause(net::Backoff& backoff, Timer::TimePoint until) {
  const auto next = timer_->now() + backoff.next();
  if (next >= until) co_return false;
  co_await timer_->sleep_until(next);
  co_return true;
}

HttpRequest Api::request_for(const ApiCall& call) const {
  HttpRequest request;
  request.method = call.method;
  request.url = options_.api_url + call.path;
  char separator = '?';
  for (const auto& [name, value] : call.query) {
    request.url += separator + name + "=" + net::percent_encode(value);
    separator = '&';
  }
  request.headers.set("Authorization", "Bearer " + std::string(options_.api_token.reveal()));
  if (!call.body.is_null()) {
    request.headers.set("Content-Type", "application/json");
    request.body = to_text(call.body);
  }
  const auto left = std::chrono::duration_cast<milliseconds>(call.until - timer_->now());
  request.deadline = std::clamp(left, milliseconds(1), options_.attempt_deadline);
  request.max_response_bytes = kMaxAnswerBytes;
  return request;
}

net::Task<ApiResult<ApiAnswer>> Api::attempt(const ApiCall& call) {
  const bool admitted = co_await pacer_.turn(call.until);
  if (!admitted) {
    const auto paused = std::chrono::duration_cast<milliseconds>(pacer_.paused_until() - timer_->now());
    co_return out_of_time(call.what, paused);
  }
  auto request = request_for(call);
  const auto response = co_await net::send(*transport_, std::move(request));
  if (!response) co_return no_answer(response.error(), call.what);
  auto answer = read_envelope(*response, call.what, options_.api_token);
  if (!answer && answer.error().retry_after) {
    const auto wait = *answer.error().retry_after;
    log::warning("Cloudflare throttles us", {{"pause_seconds", wait.count()}});
    pacer_.pause_until(timer_->now() + wait);
    if (options_.on_paused) options_.on_paused(wait);
  }
  co_return answer;
}

net::Task<ApiResult<ApiAnswer>> Api::call(ApiCall call) {
  auto waits = backoff();
  for (;;) {
    auto once = attempt(call);
    auto answer = co_await std::move(once);
    if (answer || !may_repeat(call, answer.error())) co_return answer;
    if (answer.error().retry_after) {
      if (pacer_.paused_until() >= call.until) co_return answer;  // the next attempt's turn() waits
      continue;
    }
    const bool again = co_await pause(waits, call.until);
    if (!again) co_return answer;
  }
}

net::Task<ApiResult<std::vector<nlohmann::json>>> Api::list(ApiCall call) {
  std::vector<nlohmann::json> items;
  std::unordered_set<std::string> seen;
  std::size_t received = 0;
  const auto filters = call.query;
  for (std::size_t page = 1; page <= kMaxPages; ++page) {
    call.query = filters;
    call.query.emplace_back("page", std::to_string(page));
    call.query.emplace_back("per_page", std::to_string(kPageSize));
    auto once = this->call(call);
    auto answer = co_await std::move(once);
    if (!answer) co_return tl::unexpected(answer.error());
    for (auto& item : answer->result) {
      const auto* id = item.is_object() && item.contains("id") ? item["id"].get_ptr<const std::string*>() : nullptr;
      if (id && seen.insert(*id).second) items.push_back(std::move(item));
    }
    received += answer->count;
    // Not "fewer than we asked for": an endpoint may cap per_page below that. Without a total, go on until a page is empty.
    if (answer->count == 0 || (answer->total_count && received >= *answer->total_count)) break;
  }
  co_return items;
}

}  // namespace dd::tunnel
