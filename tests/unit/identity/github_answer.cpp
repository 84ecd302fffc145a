#include "libdd/identity/github_answer.hpp"

#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "dd/clock.hpp"
#include "tests/support/scripted_transport.hpp"

using namespace dd;
using test::http_answer;

TEST_CASE("an answer of GitHub is about the token only when it says so") {
  const struct {
    const char* name;
    HttpResponse response;
    ErrorCode code;
  } cases[] = {
      {"unknown token", http_answer(401, R"({"message":"Bad credentials"})"), ErrorCode::unauthenticated},
      {"may not", http_answer(403, R"({"message":"Resource not accessible by integration"})"),
       ErrorCode::permission_denied},
      {"hidden", http_answer(404, R"({"message":"Not Found"})"), ErrorCode::permission_denied},
      {"refusal without a body", http_answer(403, ""), ErrorCode::permission_denied},
      {"refusal with some of the limit left", http_answer(403, "{}", {{"X-RateLimit-Remaining", "7"}}),
       ErrorCode::permission_denied},
      {"limit used up", http_answer(403, "{}", {{"X-RateLimit-Remaining", "0"}}), ErrorCode::unavailable},
      {"limit used up, new form", http_answer(429, "{}"), ErrorCode::unavailable},
      {"secondary limit", http_answer(403, "{}", {{"Retry-After", "60"}}), ErrorCode::unavailable},
      {"secondary limit without a header",
       http_answer(403, R"({"message":"You have exceeded a secondary rate limit."})"), ErrorCode::unavailable},
      {"server error", http_answer(500, ""), ErrorCode::unavailable},
      {"gateway", http_answer(502, "<html>"), ErrorCode::unavailable},
      {"redirect", http_answer(302, ""), ErrorCode::upstream},
      {"nothing", http_answer(204, ""), ErrorCode::upstream},
      {"no JSON", http_answer(200, "<html>"), ErrorCode::upstream},
      {"two logins", http_answer(200, R"({"login":"a","login":"b"})"), ErrorCode::upstream},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto answer = identity::read_github_answer(c.response, "GET /user");
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().code == c.code);
    CHECK(answer.error().message.starts_with("cannot check token with GET /user: "));
  }
}

TEST_CASE(
    "a limit says when another try makes sense: by its word, by the time at which it is lifted, or after a minute") {
  const auto wait = [](std::vector<std::pair<std::string, std::string>> headers) {
    const auto answer = identity::read_github_answer(http_answer(429, "{}", headers), "GET /user");
    REQUIRE_FALSE(answer.has_value());
    return answer.error().retry_after.count();
  };
  const auto in = [](int seconds) { return std::to_string(system_clock().unix_seconds() + seconds); };
  CHECK(wait({}) == 60);
  CHECK(wait({{"Retry-After", "17"}}) == 17);
  CHECK(wait({{"Retry-After", "17"}, {"X-RateLimit-Reset", in(900)}}) == 17);
  CHECK(wait({{"Retry-After", "0"}}) == 1);
  CHECK(wait({{"Retry-After", "86400"}}) == 3600);
  const auto until_lifted = wait({{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", in(900)}});
  CHECK(until_lifted > 890);
  CHECK(until_lifted <= 900);
  CHECK(wait({{"X-RateLimit-Reset", in(-5)}}) == 1);
  CHECK(wait({{"X-RateLimit-Reset", "soon"}}) == 60);
}

TEST_CASE("messages say what the operator can do") {
  const auto limited = identity::read_github_answer(http_answer(403, "{}", {{"Retry-After", "60"}}), "GET /user");
  REQUIRE_FALSE(limited.has_value());
  CHECK(limited.error().message == "cannot check token with GET /user: GitHub limits our requests; try again in 60 s");

  const auto sso =
      identity::read_github_answer(http_answer(403, "{}", {{"X-GitHub-SSO", "required; url=https://x"}}), "GET /user");
  REQUIRE_FALSE(sso.has_value());
  CHECK(sso.error().message.ends_with("the token must be authorised for the organisation's single sign-on"));
}

TEST_CASE("GitHub's own words reach a message cut and without control characters") {
  const auto answer = identity::read_github_answer(
      http_answer(403, R"({"message":"a\nb)" + std::string(5000, 'x') + "\"}"), "GET /user");
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().message.find("a bx") != std::string::npos);
  CHECK(answer.error().message.find('\n') == std::string::npos);
  CHECK(answer.error().message.size() < 300);
}
