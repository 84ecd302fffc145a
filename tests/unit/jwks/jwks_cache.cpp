#include "libdd/jwks/jwks_cache.hpp"

#include <doctest/doctest.h>

#include "tests/support/run_task.hpp"
#include "tests/support/scripted_transport.hpp"
#include "tests/unit/jwks/rsa_keys.hpp"

using namespace dd;
using namespace std::chrono_literals;
using dd::crypto::Algorithm;
using dd::jwks::JwksCache;
using dd::jwks::JwksOptions;

namespace {

struct Fixture {
  net::asio::io_context io;
  ManualClock clock{Clock::TimePoint(std::chrono::seconds(1'790'000'000))};
  nlohmann::json published = nlohmann::json::array({test::entry("a", "PS384")});
  int status = 200;
  std::string cache_control;
  bool down = false;
  std::shared_ptr<test::ScriptedTransport> transport =
      std::make_shared<test::ScriptedTransport>([this](const HttpRequest&) { return answer(); });
  std::unique_ptr<JwksCache> cache =
      std::make_unique<JwksCache>(io.get_executor(), transport, clock, JwksOptions{"https://issuer/certs"});

  Result<HttpResponse> answer() const {
    if (down) return fail(ErrorCode::unavailable, "cannot reach issuer");
    auto response = test::http_answer(status, test::key_set(published));
    if (!cache_control.empty()) response.headers.add("Cache-Control", cache_control);
    return response;
  }
  /// Whether there is a key, or why not.
  static net::Task<Result<void>> look(JwksCache& from, std::string kid, Algorithm algorithm) {
    const auto key = co_await from.key(std::move(kid), algorithm);
    if (!key) co_return tl::unexpected(key.error());
    co_return Result<void>();
  }
  Result<void> key(std::string kid, Algorithm algorithm = Algorithm::ps384) {
    return test::run(io, look(*cache, std::move(kid), algorithm));
  }
  [[nodiscard]] std::size_t fetches() const { return transport->requests.size(); }
};

}  // namespace

TEST_CASE("the set is fetched once and serves until it is an hour old") {
  Fixture f;
  CHECK(f.key("a").has_value());
  CHECK(f.fetches() == 1);
  CHECK(f.transport->requests[0].max_response_bytes == 1024 * 1024);
  f.clock.advance(3599s);
  CHECK(f.key("a").has_value());
  CHECK(f.fetches() == 1);
  f.clock.advance(1s);
  CHECK(f.key("a").has_value());
  CHECK(f.fetches() == 2);
}

TEST_CASE("Cache-Control says how long, within a minute and a day") {
  const struct {
    const char* header;
    std::chrono::seconds good;
  } cases[] = {
      {"max-age=300", 300s},  {"public, Max-Age=120, must-revalidate", 120s},
      {"max-age=0", 60s},     {"max-age=99999999999", 24h},
      {"max-age=x", 3600s},   {"s-maxage=5", 3600s},
      {"x-max-age=5", 3600s}, {"no-store", 3600s},
  };
  for (const auto& c : cases) {
    CAPTURE(std::string(c.header));
    Fixture f;
    f.cache_control = c.header;
    CHECK(f.key("a").has_value());
    f.clock.advance(c.good - 1s);
    CHECK(f.key("a").has_value());
    CHECK(f.fetches() == 1);
    f.clock.advance(1s);
    CHECK(f.key("a").has_value());
    CHECK(f.fetches() == 2);
  }
}

TEST_CASE("a flood of unknown kids is one fetch a minute") {
  Fixture f;
  CHECK(f.key("a").has_value());
  f.clock.advance(60s);
  for (int i = 0; i < 1000; ++i) {
    const auto unknown = f.key("unknown" + std::to_string(i));
    REQUIRE_FALSE(unknown.has_value());
    CHECK(unknown.error().code == ErrorCode::unauthenticated);
  }
  CHECK(f.fetches() == 2);
  f.clock.advance(60s);
  CHECK_FALSE(f.key("unknown").has_value());
  CHECK(f.fetches() == 3);
}

TEST_CASE("a new key is found by its kid and one that vanished is gone") {
  Fixture f;
  CHECK(f.key("a").has_value());
  f.clock.advance(60s);
  f.published = nlohmann::json::array({test::entry("b", "PS384", test::second_key())});
  CHECK(f.key("b").has_value());
  CHECK_FALSE(f.key("a").has_value());
  CHECK_FALSE(f.key("b", Algorithm::rs256).has_value());
}

TEST_CASE("callers who wait share one fetch") {
  Fixture f;
  f.transport->hold();
  std::vector<std::shared_ptr<test::Started<Result<void>>>> waiting;
  for (int i = 0; i < 20; ++i)
    waiting.push_back(test::start(f.io, Fixture::look(*f.cache, i % 2 == 0 ? "a" : "x", Algorithm::ps384)));
  test::settle(f.io);
  CHECK(f.fetches() == 1);
  f.transport->release();
  test::settle(f.io);
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    REQUIRE(waiting[i]->result.has_value());
    CHECK(waiting[i]->result->has_value() == (i % 2 == 0));
  }
  CHECK(f.fetches() == 1);
}

TEST_CASE("a failed refresh keeps the last good set, and is not repeated for a minute") {
  const struct {
    const char* name;
    std::function<void(Fixture&)> spoil;
  } cases[] = {
      {"unreachable", [](Fixture& f) { f.down = true; }},
      {"status 500", [](Fixture& f) { f.status = 500; }},
      {"nothing to use", [](Fixture& f) { f.published = nlohmann::json::array(); }},
  };
  for (const auto& c : cases) {
    CAPTURE(std::string(c.name));
    Fixture f;
    CHECK(f.key("a").has_value());
    f.clock.advance(2h);
    c.spoil(f);
    for (int i = 0; i < 10; ++i) CHECK(f.key("a").has_value());
    CHECK(f.fetches() == 2);
    f.clock.advance(60s);
    CHECK(f.key("a").has_value());
    CHECK(f.fetches() == 3);
  }
}

TEST_CASE("without any set the answer is unavailable, and it heals soon after the issuer does") {
  Fixture f;
  f.down = true;
  const auto key = f.key("a");
  REQUIRE_FALSE(key.has_value());
  CHECK(key.error().code == ErrorCode::unavailable);
  CHECK(key.error().message == "cannot fetch key set from https://issuer/certs: cannot reach issuer");
  CHECK(f.fetches() == 1);
  f.down = false;
  f.clock.advance(5s);
  CHECK(f.key("a").has_value());
}

TEST_CASE("the cache may go while a caller waits") {
  Fixture f;
  f.transport->hold();
  const auto waiting = test::start(f.io, Fixture::look(*f.cache, "a", Algorithm::ps384));
  test::settle(f.io);
  f.cache.reset();
  f.transport->release();
  test::settle(f.io);
  REQUIRE(waiting->result.has_value());
  CHECK(waiting->result->has_value());
}
