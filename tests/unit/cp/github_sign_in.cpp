#include "libdd/cp/github_sign_in.hpp"

#include <doctest/doctest.h>

#include "libdd/net/url.hpp"
#include "tests/unit/cp/visitors.hpp"

using namespace dd;
using namespace dd::cp;

namespace {

ControlPlaneOptions with_app() {
  ControlPlaneOptions options;
  options.github_web_url = "https://github.test";
  options.github_api_url = identity::kApi;
  options.github_client_id = "Iv1.app";
  options.github_client_secret = Secret("app-secret");
  return options;
}

/// A browser that GitHub sent back after its user said yes.
struct GithubSignInFixture : Visitors {
  GithubSignInFixture() : Visitors(with_app()) {
    transport->set_script([this](const HttpRequest& request) -> Result<HttpResponse> {
      if (request.url != "https://github.test/login/oauth/access_token") return carry(request);
      return test::http_answer(200, R"({"access_token":")" + granted + R"(","token_type":"bearer"})");
    });
  }
  Answer begin(Browser& browser, const std::string& next = "/agent/1") {
    auto detour = get(browser, "/auth/github/start?next=" + net::percent_encode(next));
    browser.keep(detour);
    return detour;
  }
  static std::string state_of(const Answer& detour) {
    const auto location = header_of(detour, "Location");
    const auto from = location.find("&state=") + 7;
    return location.substr(from, location.find('&', from) - from);
  }
  Answer come_back(const Browser& browser, const std::string& query) {
    return get(browser, "/auth/github/callback?" + query);
  }

  std::string granted = kOwnerPat;
};

void check_alert(const Answer& answer, int status) {
  REQUIRE(answer.has_value());
  CHECK(answer->status == status);
  CHECK(answer->body.find("role=\"alert\"") != std::string::npos);
  CHECK(header_of(answer, "Set-Cookie").empty());
}

}  // namespace

TEST_CASE("an owner signs in at GitHub and goes on to where he wanted") {
  GithubSignInFixture f;
  Browser browser;
  const auto detour = f.begin(browser);
  CHECK(detour->status == 303);
  CHECK(header_of(detour, "Location").starts_with("https://github.test/login/oauth/authorize?client_id=Iv1.app"));
  CHECK(browser.cookie.starts_with("__Host-dd_github="));
  const auto back = f.come_back(browser, "code=c1&state=" + f.state_of(detour));
  REQUIRE(back.has_value());
  CHECK(back->status == 303);
  CHECK(header_of(back, "Location") == "/agent/1");
  Browser signed_in;
  signed_in.cookie = header_of(back, "Set-Cookie").substr(0, header_of(back, "Set-Cookie").find(';'));
  CHECK(f.get(signed_in, "/api/agents").has_value());
}

TEST_CASE("a browser that did not begin a sign-in cannot end it") {
  GithubSignInFixture f;
  Browser attacker;
  Browser victim;
  const auto detour = f.begin(attacker);
  const auto query = "code=c1&state=" + f.state_of(detour);
  check_alert(f.come_back(victim, query), 401);
  f.begin(victim);
  check_alert(f.come_back(victim, query), 401);
  check_alert(f.come_back(attacker, "code=c1"), 401);
  CHECK(f.come_back(attacker, query)->status == 303);
  check_alert(f.come_back(attacker, query), 401);
}

TEST_CASE("who does not own the fleet, or says no, is told so") {
  GithubSignInFixture f;
  Browser browser;
  auto detour = f.begin(browser);
  f.granted = kStrangerPat;
  check_alert(f.come_back(browser, "code=c1&state=" + f.state_of(detour)), 403);
  detour = f.begin(browser);
  check_alert(f.come_back(browser, "error=access_denied&state=" + f.state_of(detour)), 403);
}

TEST_CASE("the way over GitHub leads to no other host") {
  GithubSignInFixture f;
  Browser browser;
  const auto detour = f.begin(browser, "//evil.example");
  CHECK(header_of(f.come_back(browser, "code=c1&state=" + f.state_of(detour)), "Location") == "/");
}

TEST_CASE("without an app there is no such way, and the form does not offer it") {
  Visitors f;
  CHECK_FALSE(f.get({}, "/auth/github/start").has_value());
  CHECK(f.get({}, "/auth/pat")->body.find("/auth/github") == std::string::npos);
  GithubSignInFixture with;
  CHECK(with.get({}, "/auth/pat")->body.find("/auth/github/start") != std::string::npos);
}
