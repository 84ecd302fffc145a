#include "libdd/ita/minter.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "dd/random.hpp"
#include "libdd/core/json.hpp"
#include "libdd/ita/attest_answer.hpp"
#include "libdd/net/backoff.hpp"
#include "libdd/net/http_client.hpp"

namespace dd::ita {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kLargestBody = 500'000;
constexpr std::size_t kLargestAnswer = 128 * 1024;

milliseconds until(Steady::time_point end) { return std::chrono::duration_cast<milliseconds>(end - Steady::now()); }

HttpRequest make_request(const MinterOptions& options, std::string body) {
  HttpRequest request;
  request.method = "POST";
  request.url = options.base_url + "/appraisal/v1/attest";
  request.headers.set("x-api-key", std::string(options.api_key.reveal()));
  request.headers.set("Accept", "application/json");
  request.headers.set("Content-Type", "application/json");
  request.body = std::move(body);
  request.max_response_bytes = kLargestAnswer;
  return request;
}

milliseconds wait_after(const AttestAnswer& answer, const MinterOptions& options, net::Backoff& backoff) {
  const auto own = answer.retry == Retry::rate_limited ? options.rate_limit_wait + backoff.next() / 2 : backoff.next();
  return answer.retry_after ? std::max<milliseconds>(*answer.retry_after, backoff.next()) : own;
}

}  // namespace

Minter::Minter(std::shared_ptr<HttpTransport> transport, MinterOptions options)
    : transport_(std::move(transport)), options_(std::move(options)) {
  while (options_.base_url.ends_with('/')) options_.base_url.pop_back();
}

net::Task<Result<std::string>> Minter::mint(Bytes quote, Bytes runtime_data) {
  if (options_.api_key.empty())
    co_return fail(ErrorCode::unauthenticated,
                   "cannot mint token at " + options_.base_url + ": no API key is configured");
  auto body = to_text(Json{{"quote", to_base64(quote)}, {"runtime_data", to_base64(runtime_data)}});
  if (body.size() > kLargestBody)
    co_return fail(ErrorCode::invalid_argument, "cannot mint token: the request has " + std::to_string(body.size()) +
                                                    " bytes, want at most " + std::to_string(kLargestBody));
  const auto request = make_request(options_, std::move(body));
  net::Backoff backoff({options_.first_wait, options_.longest_wait}, system_random());
  const auto end = Steady::now() + options_.deadline;
  while (true) {
    auto attempt = request;
    attempt.deadline = std::max(until(end), milliseconds(1));
    const auto response = co_await net::send(*transport_, std::move(attempt));
    auto answer = read_attest_answer(response, options_.base_url, options_.api_key);
    if (answer.token || answer.retry == Retry::never) co_return std::move(answer.token);
    const auto wait = wait_after(answer, options_, backoff);
    // An attempt that could not end in time is not begun.
    if (wait >= until(end)) co_return std::move(answer.token);
    co_await net::sleep_for(wait);
  }
}

}  // namespace dd::ita
