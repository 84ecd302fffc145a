#include "libdd/fetch/github_refusal.hpp"

#include <doctest/doctest.h>

#include "tests/support/scripted_transport.hpp"

using namespace dd;
using namespace dd::fetch;
using test::http_answer;

TEST_CASE("each answer of GitHub has the code that a caller acts on, and the advice that helps") {
  const struct {
    const char* name;
    HttpResponse answer;
    bool with_token;
    ErrorCode code;
    const char* says;
  } cases[] = {
      {"unknown token", http_answer(401, R"({"message":"Bad credentials"})"), true, ErrorCode::unauthenticated,
       "does not know EE_GITHUB_TOKEN"},
      {"hidden", http_answer(404, R"({"message":"Not Found"})"), false, ErrorCode::not_found, "needs EE_GITHUB_TOKEN"},
      {"hidden from the token", http_answer(404, R"({"message":"Not Found"})"), true, ErrorCode::not_found,
       "may not read it"},
      {"forbidden", http_answer(403, R"({"message":"Resource not accessible"})"), true, ErrorCode::permission_denied,
       "(Resource not accessible)"},
      {"quota used up", http_answer(403, "{}", {{"x-ratelimit-remaining", "0"}}), false, ErrorCode::rate_limited,
       "EE_GITHUB_TOKEN raises"},
      {"too many at once", http_answer(403, "{}", {{"retry-after", "7"}}), true, ErrorCode::rate_limited,
       "limits our requests"},
      {"limit in words alone", http_answer(403, R"({"message":"You have exceeded a secondary Rate Limit"})"), true,
       ErrorCode::rate_limited, "secondary"},
      {"too many requests", http_answer(429, ""), true, ErrorCode::rate_limited, "limits our requests"},
      {"quota left", http_answer(403, "{}", {{"x-ratelimit-remaining", "12"}}), false, ErrorCode::permission_denied,
       "403"},
      {"down", http_answer(503, "<html>"), false, ErrorCode::unavailable, "GitHub answers 503"},
      {"a redirect that was not followed", http_answer(302, ""), false, ErrorCode::upstream, "GitHub answers 302"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto error = refusal(c.answer, "cannot fetch x", c.with_token);
    CHECK(to_string(error.code) == to_string(c.code));
    CAPTURE(error.message);
    CHECK(error.message.starts_with("cannot fetch x: "));
    CHECK(error.message.find(c.says) != std::string::npos);
  }
}

TEST_CASE("GitHub's own words stay on one line and short") {
  const auto error =
      refusal(http_answer(500, R"({"message":"line\nline )" + std::string(1000, 'x') + "\"}"), "cannot fetch x", false);
  CHECK(error.message.find('\n') == std::string::npos);
  CHECK(error.message.size() < 300);
}
