#include "libdd/ita/attest_answer.hpp"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/scripted_transport.hpp"

using namespace dd;
using namespace dd::ita;
using test::http_answer;

namespace {

const Secret kKey("djE6c2VjcmV0LWtleQ==");

AttestAnswer read(const Result<HttpResponse>& response) {
  return read_attest_answer(response, "https://ita.test", kKey);
}

}  // namespace

TEST_CASE("each answer has its own meaning, and only some are worth another try") {
  const struct {
    const char* name;
    Result<HttpResponse> response;
    ErrorCode code;
    Retry retry;
  } cases[] = {
      {"evidence refused", http_answer(400, R"({"error":"Failed to verify quote"})"), ErrorCode::invalid_argument,
       Retry::never},
      {"body too large", http_answer(413, ""), ErrorCode::invalid_argument, Retry::never},
      {"bad key", http_answer(401, R"({"message":"Unauthorized"})"), ErrorCode::unauthenticated, Retry::never},
      {"disabled key", http_answer(403, ""), ErrorCode::unauthenticated, Retry::never},
      {"too many requests", http_answer(429, R"({"message":"Too many requests"})"), ErrorCode::unavailable,
       Retry::rate_limited},
      {"server error", http_answer(500, ""), ErrorCode::unavailable, Retry::backoff},
      {"not available", http_answer(503, ""), ErrorCode::unavailable, Retry::backoff},
      {"gateway timeout", http_answer(504, ""), ErrorCode::unavailable, Retry::backoff},
      {"bad gateway", http_answer(502, ""), ErrorCode::upstream, Retry::never},
      {"redirect", http_answer(302, ""), ErrorCode::upstream, Retry::never},
      {"lost connection", fail(ErrorCode::unavailable, "cannot reach ita.test: reset"), ErrorCode::unavailable,
       Retry::backoff},
      {"no time left", fail(ErrorCode::deadline_exceeded, "cannot reach ita.test: 30 s"), ErrorCode::unavailable,
       Retry::never},
      {"answer too long", fail(ErrorCode::too_large, "cannot read answer"), ErrorCode::too_large, Retry::never},
      {"no JSON", http_answer(200, "<html>"), ErrorCode::upstream, Retry::never},
      {"no token", http_answer(200, "{}"), ErrorCode::upstream, Retry::never},
      {"empty token", http_answer(200, R"({"token":""})"), ErrorCode::upstream, Retry::never},
      {"token of another type", http_answer(200, R"({"token":["a.b.c"]})"), ErrorCode::upstream, Retry::never},
      {"token over 64 KiB", http_answer(200, R"({"token":")" + std::string(65'537, 'a') + "\"}"), ErrorCode::upstream,
       Retry::never},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto answer = read(c.response);
    REQUIRE_FALSE(answer.token.has_value());
    CHECK(answer.token.error().code == c.code);
    CHECK(answer.token.error().message.starts_with("cannot mint token at https://ita.test: "));
    CHECK(answer.retry == c.retry);
  }
}

TEST_CASE("the token comes back as it is") {
  const auto answer = read(http_answer(200, R"({"token":"a.b.c"})"));
  REQUIRE(answer.token.has_value());
  CHECK(*answer.token == "a.b.c");
}

TEST_CASE("the service's Retry-After comes along, as a number or a date") {
  const auto after = [](const char* value) { return read(http_answer(429, "", {{"Retry-After", value}})).retry_after; };
  CHECK(after("17") == std::chrono::seconds(17));
  CHECK(after("Wed, 21 Oct 2015 07:28:00 GMT") == std::chrono::seconds(0));
  for (const auto* bad : {"", "-1", "1.5", "99999999999"}) CHECK_FALSE(after(bad).has_value());
}

TEST_CASE("the service's words and ids are told, cut to 1 KiB and made printable") {
  const auto refused =
      read(http_answer(400, R"({"error":"Failed to verify quote"})", {{"request-id", "r-1"}, {"trace-id", "t\n2"}}));
  REQUIRE_FALSE(refused.token.has_value());
  CHECK(refused.token.error().message ==
        "cannot mint token at https://ita.test: evidence refused, 400: Failed to verify quote (request-id r-1, "
        "trace-id t?2)");

  const auto flood = read(http_answer(400, std::string(100'000, '\xc3')));
  REQUIRE_FALSE(flood.token.has_value());
  CHECK(flood.token.error().message.size() < 1200);
}

TEST_CASE("the API key is never told, even when the service repeats it") {
  const std::string key(kKey.reveal());
  for (const auto& body :
       {R"({"message":"key )" + key + " and " + key + R"( unknown"})", "<html>" + key, std::string(1015, ' ') + key}) {
    const auto answer = read(http_answer(401, body));
    REQUIRE_FALSE(answer.token.has_value());
    CHECK(answer.token.error().message.find(key.substr(0, 8)) == std::string::npos);
  }
}
