#include "libdd/identity/github_oauth.hpp"

#include <doctest/doctest.h>

#include "libdd/crypto/digest.hpp"
#include "libdd/net/target.hpp"
#include "tests/support/check_error.hpp"
#include "tests/support/run_task.hpp"
#include "tests/unit/identity/fake_github.hpp"

using namespace dd;
using namespace dd::identity;
using namespace dd::test;
using test::http_answer;

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string field(const Fields& fields, std::string_view name) {
  for (const auto& [key, value] : fields)
    if (key == name) return value;
  return "(absent)";
}

/// An app before a fake GitHub where octo (42), who owns the fleet, has just said yes.
struct GithubOauthFixture {
  net::asio::io_context io;
  ManualClock clock{Clock::TimePoint(std::chrono::seconds(1'790'000'000))};
  FakeGithub api;
  Result<HttpResponse> trade = http_answer(200, R"({"access_token":"gho_octo","token_type":"bearer","scope":""})");
  Fields traded;
  std::shared_ptr<test::ScriptedTransport> transport =
      std::make_shared<test::ScriptedTransport>([this](const HttpRequest& request) -> Result<HttpResponse> {
        if (request.url != "https://github.test/login/oauth/access_token") return api(request);
        traded = net::parse_form_fields(request.body).value();
        return trade;
      });
  GithubOauth github{transport, app(), Owner{"octo", 42, OwnerKind::user}, clock, system_random()};

  GithubOauthFixture() {
    api.user("gho_octo", "octo", 42);
    api.user("gho_mallory", "mallory", 66);
  }

  static GithubApp app() {
    return {"https://github.test/", kApi, "Iv1.app", Secret("app-secret"),
            "https://app.dd.example/auth/github/callback"};
  }
  static Fields asked(const GithubDetour& detour) {
    return net::parse_form_fields(detour.location.substr(detour.location.find('?') + 1)).value();
  }
  static std::vector<FoundCookie> kept(const std::string& cookie) { return {{"dd_github", cookie}}; }
  Result<GithubArrival> arrive(const GithubDetour& detour) {
    return github.arrive({"code-1", field(asked(detour), "state"), ""}, kept(detour.cookie));
  }
  Result<Principal> finish() { return test::run(io, github.finish(arrive(github.begin("/")).value())); }
};

}  // namespace

TEST_CASE("a browser is sent to GitHub with a state and a challenge of its own") {
  GithubOauthFixture f;
  const auto detour = f.github.begin("/agent/1");
  CHECK(detour.location.starts_with("https://github.test/login/oauth/authorize?"));
  const auto asked = f.asked(detour);
  CHECK(field(asked, "client_id") == "Iv1.app");
  CHECK(field(asked, "redirect_uri") == "https://app.dd.example/auth/github/callback");
  CHECK(field(asked, "code_challenge_method") == "S256");
  CHECK(field(asked, "scope") == "(absent)");
  CHECK(field(asked, "state").size() == 43);
  CHECK(field(asked, "code_challenge").size() == 43);
  CHECK(detour.location.find("app-secret") == std::string::npos);
  const auto second = f.asked(f.github.begin("/agent/1"));
  CHECK(field(second, "state") != field(asked, "state"));
  CHECK(field(second, "code_challenge") != field(asked, "code_challenge"));
}

TEST_CASE("an organisation's members are asked to show a private membership") {
  GithubOauthFixture f;
  GithubOauth github(f.transport, GithubOauthFixture::app(), Owner{"acme", 40, OwnerKind::organisation}, f.clock,
                     system_random());
  CHECK(field(f.asked(github.begin("/")), "scope") == "read:org");
}

TEST_CASE(
    "a sign-in comes back to the browser that began it, and its code is traded with the verifier of the challenge") {
  GithubOauthFixture f;
  const auto detour = f.github.begin("/agent/1");
  auto arrival = f.arrive(detour);
  REQUIRE(arrival.has_value());
  CHECK(arrival->next == "/agent/1");
  const auto person = test::run(f.io, f.github.finish(*std::move(arrival)));
  REQUIRE(person.has_value());
  CHECK(person->login == "octo");
  CHECK(person->id == 42);
  CHECK(field(f.traded, "code") == "code-1");
  CHECK(field(f.traded, "client_secret") == "app-secret");
  CHECK(field(f.traded, "redirect_uri") == "https://app.dd.example/auth/github/callback");
  CHECK(to_base64url(crypto::sha256(as_bytes(field(f.traded, "code_verifier")))) ==
        field(f.asked(detour), "code_challenge"));
}

TEST_CASE("a sign-in is good in one browser, once, for ten minutes") {
  GithubOauthFixture f;
  const auto detour = f.github.begin("/");
  const auto state = field(f.asked(detour), "state");
  const auto victim = f.github.begin("/");
  check_code(f.github.arrive({"code-1", state, ""}, {}), ErrorCode::unauthenticated);
  check_code(f.github.arrive({"code-1", state, ""}, f.kept(victim.cookie)), ErrorCode::unauthenticated);
  check_code(f.github.arrive({"code-1", "", ""}, f.kept(detour.cookie)), ErrorCode::unauthenticated);
  check_code(f.github.arrive({"code-1", state + "A", ""}, f.kept(detour.cookie)), ErrorCode::unauthenticated);
  // What somebody planted beside it is in nobody's way.
  const std::vector<FoundCookie> among = {
      {"dd_github", "planted"}, {"dd_github", victim.cookie}, {"dd_github", detour.cookie}};
  CHECK(f.github.arrive({"code-1", state, ""}, among).has_value());
  check_code(f.arrive(detour), ErrorCode::unauthenticated);
  f.clock.advance(std::chrono::seconds(600));
  check_code(f.arrive(victim), ErrorCode::unauthenticated);
  CHECK(f.transport->requests.empty());
}

TEST_CASE("who says no at GitHub is told so, and an app that is set up wrongly is no fault of his") {
  GithubOauthFixture f;
  const auto come_back = [&](const char* code, const char* error) {
    const auto detour = f.github.begin("/");
    return f.github.arrive({code, field(f.asked(detour), "state"), error}, f.kept(detour.cookie));
  };
  check_code(come_back("", "access_denied"), ErrorCode::permission_denied);
  check_code(come_back("code-1", "access_denied"), ErrorCode::permission_denied);
  check_code(come_back("", "redirect_uri_mismatch"), ErrorCode::upstream);
  check_code(come_back("", ""), ErrorCode::upstream);
}

TEST_CASE("somebody who does not own the fleet is refused by the rule for PATs") {
  GithubOauthFixture f;
  f.trade = http_answer(200, R"({"access_token":"gho_mallory","token_type":"bearer"})");
  const auto person = f.finish();
  REQUIRE_FALSE(person.has_value());
  CHECK(person.error().code == ErrorCode::permission_denied);
}

TEST_CASE("what GitHub may answer to a code instead of a token") {
  const struct {
    const char* name;
    Result<HttpResponse> answer;
    ErrorCode code;
  } cases[] = {
      {"a code that was used", http_answer(200, R"({"error":"bad_verification_code"})"), ErrorCode::unauthenticated},
      {"a wrong secret", http_answer(200, R"({"error":"incorrect_client_credentials"})"), ErrorCode::upstream},
      {"a form instead of JSON", http_answer(200, "access_token=gho_octo&token_type=bearer"), ErrorCode::upstream},
      {"no token", http_answer(200, R"({"token_type":"bearer"})"), ErrorCode::upstream},
      {"an empty token", http_answer(200, R"({"access_token":"","token_type":"bearer"})"), ErrorCode::upstream},
      {"a token of another type", http_answer(200, R"({"access_token":"gho_octo","token_type":"mac"})"),
       ErrorCode::upstream},
      {"a page", http_answer(404, "<html>"), ErrorCode::upstream},
      {"an outage", http_answer(503, ""), ErrorCode::unavailable},
      {"a limit", http_answer(429, ""), ErrorCode::unavailable},
      {"nothing", fail(ErrorCode::unavailable, "cannot connect"), ErrorCode::unavailable},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    GithubOauthFixture f;
    f.trade = c.answer;
    const auto person = f.finish();
    REQUIRE_FALSE(person.has_value());
    CHECK(person.error().code == c.code);
    CHECK(person.error().message.find("app-secret") == std::string::npos);
  }
}
