#include "libdd/ita/verifier.hpp"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "libdd/ita/token_cache.hpp"
#include "tests/unit/ita/issuer_fixture.hpp"

using namespace dd;
using namespace dd::ita;

namespace {

std::string token_by(const char* kid, const OpensslKey& key) {
  return signed_token(R"({"alg":"PS384","kid":")" + std::string(kid) + "\"}", v1_payload().dump(), key);
}

std::string token_of(const nlohmann::json& payload) { return signed_token(kGoodHeader, payload.dump()); }

}  // namespace

TEST_CASE("a verified token gives its claims") {
  IssuerFixture f;
  const auto claims = f.verify(good_token());
  REQUIRE(claims.has_value());
  CHECK(*claims == read_token_claims(v1_payload(), good_rules()).value());
}

TEST_CASE("a bad claim under a good signature is refused with its path") {
  IssuerFixture f;
  auto payload = v1_payload();
  payload["iss"] = kIssuer + "/";
  const auto claims = f.verify(token_of(payload));
  REQUIRE_FALSE(claims.has_value());
  CHECK(claims.error().path == "$.iss");
}

TEST_CASE("a key that appears between two tokens is found, and one that goes is gone") {
  IssuerFixture f;
  REQUIRE(f.verify(good_token()).has_value());
  f.clock.advance(std::chrono::seconds(61));
  f.published = {{"second", &second_key()}};
  CHECK(f.verify(token_by("second", second_key())).has_value());

  auto later = v1_payload();
  later["jti"] = "another token by the withdrawn key";
  const auto withdrawn = f.verify(token_of(later));
  REQUIRE_FALSE(withdrawn.has_value());
  CHECK(withdrawn.error().reason == kTokenInvalid);
}

TEST_CASE("a key set that rotates while it is being fetched serves all who wait, with one fetch") {
  IssuerFixture f;
  f.transport->hold();
  std::vector<std::shared_ptr<test::Started<Result<TdxClaims>>>> started;
  for (int i = 0; i < 5; ++i)
    started.push_back(test::start(f.io, f.verifier->verify(token_by("second", second_key()))));
  test::settle(f.io);
  f.published.emplace("second", &second_key());
  f.transport->release();
  test::settle(f.io);
  CHECK(f.fetches() == 1);
  for (const auto& one : started) {
    REQUIRE(one->result.has_value());
    CHECK(one->result->has_value());
  }
}

TEST_CASE("a flood of unknown kids does not become a flood of fetches") {
  IssuerFixture f;
  REQUIRE(f.verify(good_token()).has_value());
  const auto before = f.fetches();
  for (int i = 0; i < 50; ++i)
    CHECK_FALSE(f.verify(token_by(("kid" + std::to_string(i)).c_str(), second_key())).has_value());
  CHECK(f.fetches() <= before + 1);
}

TEST_CASE("without a key set the verdict is unavailable, not invalid") {
  IssuerFixture f;
  f.down = true;
  const auto claims = f.verify(good_token());
  REQUIRE_FALSE(claims.has_value());
  CHECK(claims.error().code == ErrorCode::unavailable);
}

TEST_CASE("known keys keep verifying while the portal is down") {
  IssuerFixture f;
  REQUIRE(f.verify(good_token()).has_value());
  f.down = true;
  auto payload = v1_payload();
  payload["jti"] = "a token not seen before";
  CHECK(f.verify(token_of(payload)).has_value());
}

TEST_CASE("a token seen before is judged by the clock again") {
  IssuerFixture f;
  const auto token = good_token();  // exp is kNow + 290
  REQUIRE(f.verify(token).has_value());
  f.clock.advance(std::chrono::seconds(289));
  CHECK(f.verify(token).has_value());
  f.clock.advance(std::chrono::seconds(61));
  CHECK(f.verify(token).has_value());  // inside the leeway, and verified anew
  f.clock.advance(std::chrono::seconds(1));
  const auto expired = f.verify(token);
  REQUIRE_FALSE(expired.has_value());
  CHECK(expired.error().reason == kTokenExpired);
}

TEST_CASE("a remembered token is not its neighbour") {
  IssuerFixture f;
  auto token = good_token();
  REQUIRE(f.verify(token).has_value());
  token[token.find('.') + 5] ^= 1;
  CHECK_FALSE(f.verify(token).has_value());
}

TEST_CASE("the cache of tokens is bounded and forgets what expires first") {
  TokenCache cache(2);
  const auto claims = [](std::int64_t expires_at) {
    TdxClaims out;
    out.expires_at = expires_at;
    return out;
  };
  const auto key = [](int number) { return Digest256{static_cast<std::byte>(number)}; };
  cache.put(key(1), claims(300));
  cache.put(key(2), claims(200));
  cache.put(key(3), claims(400));
  CHECK(cache.find(key(1), 0) != nullptr);
  CHECK(cache.find(key(2), 0) == nullptr);
  CHECK(cache.find(key(3), 399) != nullptr);
  CHECK(cache.find(key(3), 400) == nullptr);
}
