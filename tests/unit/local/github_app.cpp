#include "libdd/local/github_app.hpp"

#include <doctest/doctest.h>

#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/net/form.hpp"
#include "libdd/net/target.hpp"
#include "tests/unit/local/example_table.hpp"

#include <nlohmann/json.hpp>

using namespace dd;
using namespace dd::local;

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

const std::string kVerifier(43, 'v');

struct GithubAppFixture {
  ManualClock clock{Clock::TimePoint(std::chrono::seconds(1'790'000'000))};
  GithubTable table = example_table();
  GithubApp app{{"app-1", Secret("secret-1"), "https://app.dd.example/auth/github/callback"}, clock, system_random()};

  static Fields asked() {
    return {{"client_id", "app-1"},
            {"redirect_uri", "https://app.dd.example/auth/github/callback"},
            {"state", "s 1"},
            {"code_challenge", to_base64url(crypto::sha256(as_bytes(kVerifier)))}};
  }
  net::ServerResponse consent(Fields fields, const std::string& user) {
    net::ServerRequest request;
    request.query = std::move(fields);
    request.query.emplace_back("user", user);
    return app.consent(request, table);
  }
  std::string code(const std::string& user = "alice") {
    const auto location = *consent(asked(), user).headers.find("Location");
    return net::parse_form_fields(location.substr(location.find('?') + 1)).value().at(0).second;
  }
  static Fields shown(const std::string& code) {
    return {{"client_id", "app-1"},
            {"client_secret", "secret-1"},
            {"code", code},
            {"redirect_uri", "https://app.dd.example/auth/github/callback"},
            {"code_verifier", kVerifier}};
  }
  Json trade(const Fields& fields) {
    net::ServerRequest request;
    request.headers.set("Accept", "application/json");
    request.body = net::form_text(fields);
    const auto response = app.trade(request, table);
    CHECK(response.status == 200);
    return parse_json(response.body).value();
  }
};

}  // namespace

TEST_CASE("consent leads back with a code and the state, and the code to a token that is that user's") {
  GithubAppFixture f;
  const auto back = f.consent(GithubAppFixture::asked(), "alice");
  CHECK(back.status == 302);
  CHECK(back.headers.find("Location")->ends_with("&state=s%201"));
  const auto answer = f.trade(GithubAppFixture::shown(f.code()));
  CHECK(answer.at("token_type") == "bearer");
  const auto token = answer.at("access_token").get<std::string>();
  CHECK(token.starts_with("gho_"));
  CHECK(parse_json(answer_user(f.table, token).body).value().at("login") == "alice");
}

TEST_CASE("the page asks as whom, and makes no markup of what it was asked with") {
  GithubAppFixture f;
  net::ServerRequest request;
  request.query = GithubAppFixture::asked();
  request.query.emplace_back("x", "\"><script>");
  const auto page = f.app.ask(request, f.table);
  CHECK(page.status == 200);
  CHECK(page.body.find("user=mallory") != std::string::npos);
  CHECK(page.body.find("<script>") == std::string::npos);
  request.query[0].second = "app-2";
  CHECK(f.app.ask(request, f.table).status == 404);
}

TEST_CASE("a code is good once, for ten minutes, for who began the sign-in") {
  const struct {
    const char* name;
    const char* member;
    std::string value;
    const char* error;
  } cases[] = {
      {"another secret", "client_secret", "guess", "incorrect_client_credentials"},
      {"another app", "client_id", "app-2", "incorrect_client_credentials"},
      {"another code", "code", "guess", "bad_verification_code"},
      {"another verifier", "code_verifier", std::string(43, 'w'), "bad_verification_code"},
      {"another callback", "redirect_uri", "https://evil.example/", "redirect_uri_mismatch"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    GithubAppFixture f;
    auto fields = GithubAppFixture::shown(f.code());
    for (auto& [name, value] : fields)
      if (name == c.member) value = c.value;
    CHECK(f.trade(fields) == Json{{"error", c.error}});
  }
  GithubAppFixture f;
  const auto used = f.code();
  CHECK(f.trade(GithubAppFixture::shown(used)).contains("access_token"));
  CHECK(f.trade(GithubAppFixture::shown(used)).contains("error"));
  const auto late = f.code();
  f.clock.advance(std::chrono::seconds(600));
  CHECK(f.trade(GithubAppFixture::shown(late)).contains("error"));
}

TEST_CASE("nobody is sent to a callback that is not the app's, and who is unknown has refused") {
  GithubAppFixture f;
  auto asked = GithubAppFixture::asked();
  asked[1].second = "https://evil.example/";
  CHECK(f.consent(asked, "alice")
            .headers.find("Location")
            ->starts_with("https://app.dd.example/auth/github/callback?error=redirect_uri_mismatch"));
  CHECK(f.consent(GithubAppFixture::asked(), "nobody").headers.find("Location")->find("error=access_denied") !=
        std::string::npos);
}
