#include <doctest/doctest.h>

#include "libdd/tunnel/cloudflare_envelope.hpp"
#include "tests/unit/tunnel/scripted_api.hpp"

using namespace dd;
using namespace dd::test;
using tunnel::Effect;

namespace {

const Secret kToken{kApiToken};

}  // namespace

TEST_CASE("an answer with success true is read with its result and totals") {
  const auto answer = tunnel::read_envelope(page(R"([{"id":"x"},{"id":"y"}])", 2, 7), "list things", kToken);
  REQUIRE(answer.has_value());
  CHECK(answer->count == 2);
  CHECK(answer->total_count == 7U);
}

TEST_CASE("messages of either shape do not disturb") {
  for (const std::string messages : {R"(["a"])", R"([{"code":1,"message":"a"}])", R"("odd")", "null"}) {
    CAPTURE(messages);
    CHECK(
        tunnel::read_envelope(answer(200, R"({"success":true,"result":null,"messages":)" + messages + "}"), "x", kToken)
            .has_value());
  }
}

TEST_CASE("a failure says what the caller can do about it") {
  const struct {
    const char* name;
    HttpResponse response;
    ErrorCode code;
    Effect effect;
    std::string message;
  } cases[] = {
      {"success false with 200", failure(200, 1234, "not so"), ErrorCode::upstream, Effect::none,
       "cannot do it: Cloudflare says \"not so\" (HTTP 200, code 1234)"},
      {"bad token", failure(401, 10000), ErrorCode::unauthenticated, Effect::none,
       "cannot do it: Cloudflare says \"no\" (HTTP 401, code 10000)"},
      {"no access", failure(403, 9109), ErrorCode::permission_denied, Effect::none,
       "cannot do it: Cloudflare says \"no\" (HTTP 403, code 9109)"},
      {"gone", failure(404, 81044), ErrorCode::not_found, Effect::none,
       "cannot do it: Cloudflare says \"no\" (HTTP 404, code 81044)"},
      {"name taken", failure(409, 1013), ErrorCode::conflict, Effect::none,
       "cannot do it: Cloudflare says \"no\" (HTTP 409, code 1013)"},
      {"broken", answer(502, "<html>bad gateway</html>"), ErrorCode::unavailable, Effect::unknown,
       "cannot do it: Cloudflare says \"<html>bad gateway</html>\" (HTTP 502)"},
      {"not JSON", answer(200, "hello"), ErrorCode::upstream, Effect::unknown,
       "cannot do it: Cloudflare says \"hello\" (HTTP 200)"},
      {"JSON without success", answer(200, R"({"result":{}})"), ErrorCode::upstream, Effect::unknown,
       "cannot do it: Cloudflare says \"{\"result\":{}}\" (HTTP 200)"},
      {"throttled", throttled("17"), ErrorCode::rate_limited, Effect::none,
       "cannot do it: Cloudflare says \"no\" (HTTP 429, code 971)"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto answer = tunnel::read_envelope(c.response, "do it", kToken);
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().error.code == c.code);
    CHECK(answer.error().effect == c.effect);
    CHECK(answer.error().error.message == c.message);
  }
}

TEST_CASE("Retry-After is believed within reason") {
  const struct {
    std::string header;
    int seconds;
  } cases[] = {{"17", 17}, {"0", 0}, {"999999", 3600}, {"soon", 300}, {"", 300}, {"-1", 300}};
  for (const auto& c : cases) {
    CAPTURE(c.header);
    const auto answer = tunnel::read_envelope(throttled(c.header), "x", kToken);
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().retry_after == std::chrono::seconds(c.seconds));
    CHECK(answer.error().error.retry_after == answer.error().retry_after);
  }
  const auto code_only = tunnel::read_envelope(failure(400, 971), "x", kToken);
  REQUIRE_FALSE(code_only.has_value());
  CHECK(code_only.error().retry_after == std::chrono::seconds(300));
}

TEST_CASE("no message holds the API token, a tunnel token, control characters or an endless text") {
  const std::string secret(48, 'S');
  const auto answer = tunnel::read_envelope(
      failure(400, 1, "token " + kApiToken + " and " + secret + R"(\u0000\n)" + std::string(50000, ' ')), "x", kToken);
  REQUIRE_FALSE(answer.has_value());
  const auto& message = answer.error().error.message;
  CHECK(message.find(kApiToken) == std::string::npos);
  CHECK(message.find("SSSS") == std::string::npos);
  CHECK(message.find('\n') == std::string::npos);
  CHECK(message.size() < 300);
  CHECK(tunnel::redact(kTunnelId + " " + kTunnelId, kToken) == kTunnelId + " " + kTunnelId);
}

TEST_CASE("a secret that occurs in the word that replaces it is cut out too") {
  CHECK(tunnel::redact("a t, a t", Secret("t")) == "a [redacted], a [redacted]");
  CHECK(tunnel::redact("nothing", Secret()) == "nothing");
}
