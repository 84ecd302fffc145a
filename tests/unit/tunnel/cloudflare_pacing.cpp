#include <doctest/doctest.h>

#include "libdd/tunnel/cloudflare_pacing.hpp"
#include "tests/unit/tunnel/scripted_api.hpp"

using namespace dd;
using namespace dd::test;
using namespace std::chrono_literals;

namespace {

const tunnel::Timer::TimePoint kStart(1h);

}  // namespace

TEST_CASE("a token bucket lets a burst through, then a steady rate, and fills up again") {
  tunnel::TokenBucket bucket({.requests_per_second = 2, .burst = 3});
  for (int i = 0; i < 3; ++i) {
    CHECK(bucket.next(kStart) == kStart);
    bucket.take(kStart);
  }
  CHECK(bucket.next(kStart) == kStart + 500ms);
  bucket.take(kStart);
  CHECK(bucket.next(kStart) == kStart + 1000ms);
  CHECK(bucket.next(kStart + 750ms) == kStart + 1000ms);
  CHECK(bucket.next(kStart + 1h) == kStart + 1h);
  for (int i = 0; i < 3; ++i) bucket.take(kStart + 1h);
  CHECK(bucket.next(kStart + 1h) == kStart + 1h + 500ms);
}

TEST_CASE("100 agents at once stay below Cloudflare's limit of 1,200 requests in 5 minutes") {
  tunnel::TokenBucket bucket(tunnel::PacingOptions{});
  int in_window = 0;
  for (auto now = kStart; now < kStart + 5min; now = bucket.next(now)) {
    bucket.take(now);
    ++in_window;
  }
  CHECK(in_window > 900);
  CHECK(in_window <= 1200);
}

TEST_CASE("after 429 nothing is sent until Retry-After is over") {
  Scripted api({{"GET " + kTunnels + "/" + kTunnelId + "/token", throttled("7")},
                {"GET " + kTunnels + "/" + kTunnelId + "/token", success(R"("token")")}});
  const auto token = api.run(api.provider->run_token(kTunnelId));
  REQUIRE(token.has_value());
  CHECK(token->reveal() == "token");
  CHECK(api.timer->slept == 7s);
}

TEST_CASE("a pause beyond the deadline fails at once, for the next caller too, without a request") {
  Scripted api({{"GET " + kTunnels + "/" + kTunnelId + "/token", throttled("21")}});
  for (int i = 0; i < 2; ++i) {
    const auto token = api.run(api.provider->run_token(kTunnelId));
    REQUIRE_FALSE(token.has_value());
    CHECK(token.error().code == ErrorCode::rate_limited);
  }
  CHECK(api.timer->slept == 0s);
  CHECK(api.api->requests.size() == 1);
}

TEST_CASE("a create that was throttled had no effect and is simply sent again") {
  Scripted api({{"POST " + kTunnels, throttled("1")}, {"POST " + kTunnels, success(tunnel_json())}});
  CHECK(api.run(api.provider->ensure(kTunnelName)).has_value());
}
