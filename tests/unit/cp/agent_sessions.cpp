#include "libdd/cp/agent_sessions.hpp"

#include <doctest/doctest.h>

#include "libdd/crypto/digest.hpp"
#include "libdd/identity/session.hpp"
#include "tests/support/check_error.hpp"
#include "tests/unit/cp/visitors.hpp"

using namespace dd;
using namespace dd::cp;
using namespace dd::test;

namespace {

const std::string kBrowser = to_base64url(crypto::sha256(as_bytes("pre-cookie")));

std::string between(const std::string& text, std::string_view start, std::string_view end) {
  const auto from = text.find(start);
  REQUIRE(from != std::string::npos);
  return text.substr(from + start.size(), text.find(end, from + start.size()) - from - start.size());
}

std::string statement_in(const Answer& page) { return between(page.value().body, "name=\"statement\" value=\"", "\""); }

struct AgentSessionsFixture : Visitors {
  AgentSessionsFixture() { keep_agent("dd-1", AgentStatus::healthy); }
  Answer token(const std::string& aud) { return as_owner("POST", "/auth/token", R"({"aud":")" + aud + "\"}"); }
  [[nodiscard]] identity::StatementReader reader(std::string_view aud) const {
    return {context.cp_key, aud, clock.unix_seconds()};
  }
  Answer hand_off(const Browser& browser, const std::string& query) { return get(browser, "/auth/handoff?" + query); }
};

}  // namespace

TEST_CASE("a token is for one agent, for ten minutes, and says who") {
  AgentSessionsFixture f;
  const auto answer = body_of(f.token("dd-1"));
  CHECK(answer.at("expires_in") == 600);
  const auto token = answer.at("token").get<std::string>();
  const auto claims = identity::verify_session(token, f.reader("dd-1")).value();
  CHECK(claims.login == "octo");
  CHECK(claims.user_id == 42);
  CHECK(claims.expires_at == f.clock.unix_seconds() + 600);
  CHECK_FALSE(identity::verify_session(token, f.reader("dd-2")).has_value());
  CHECK_FALSE(identity::verify_session(token, f.reader(kOrigin)).has_value());
}

TEST_CASE("a token is given to owners alone, by PAT or by cookie from a page of ours") {
  AgentSessionsFixture f;
  const std::string body = R"({"aud":"dd-1"})";
  auto browser = f.signed_in();
  CHECK(f.ask("POST", "/auth/token", browser.headers(), body).has_value());
  browser.origin = "https://hello.dd-1.dd.example";
  check_code(f.ask("POST", "/auth/token", browser.headers(), body), ErrorCode::permission_denied);
  check_code(f.ask("POST", "/auth/token", {}, body), ErrorCode::unauthenticated);
  check_code(f.ask("POST", "/auth/token", test::bearer(kStrangerPat), body), ErrorCode::permission_denied);
  const auto token = body_of(f.token("dd-1")).at("token").get<std::string>();
  check_code(f.ask("POST", "/auth/token", test::bearer(token), body), ErrorCode::unauthenticated);
}

TEST_CASE("there is no token for an agent that is not there or that nobody vouches for") {
  AgentSessionsFixture f;
  f.keep_agent("dropped", AgentStatus::dropped);
  f.keep_agent("held", AgentStatus::quarantined);
  check_code(f.token("dd-9"), ErrorCode::not_found);
  check_code(f.token("dropped"), ErrorCode::not_found);
  check_code(f.token("held"), ErrorCode::conflict);
  check_code(f.token(kOrigin), ErrorCode::invalid_argument);
  check_code(f.as_owner("POST", "/auth/token", "{}"), ErrorCode::malformed);
}

TEST_CASE("a person is handed to an agent, in the browser that the agent knows") {
  AgentSessionsFixture f;
  const auto page = f.hand_off(f.signed_in(), "agent=dd-1&browser=" + kBrowser + "&next=%2Fworkload%2F7");
  REQUIRE(page.has_value());
  CHECK(page->status == 200);
  CHECK(between(page->body, "method=\"post\" action=\"", "\"") == "https://dd-1.dd.example/auth/handoff");
  CHECK(between(page->body, "name=\"next\" value=\"", "\"") == "/workload/7");
  const auto claims = identity::verify_handoff(statement_in(page), f.reader("dd-1")).value();
  CHECK(claims.browser == crypto::sha256(as_bytes("pre-cookie")));
  CHECK(claims.base.login == "octo");
  CHECK(claims.base.expires_at == f.clock.unix_seconds() + 60);
  CHECK(claims.session_expires_at == f.clock.unix_seconds() + 3600);
  CHECK_FALSE(identity::verify_session(statement_in(page), f.reader("dd-1")).has_value());
}

TEST_CASE("who is not signed in at a page is sent there first, and comes back") {
  AgentSessionsFixture f;
  const auto query = "agent=dd-1&browser=" + kBrowser;
  const auto away = f.hand_off({}, query);
  CHECK(away->status == 303);
  CHECK(header_of(away, "Location") == "/auth/pat?next=%2Fauth%2Fhandoff%3Fagent%3Ddd-1%26browser%3D" + kBrowser);
  CHECK(f.ask("GET", "/auth/handoff?" + query, test::bearer(kOwnerPat))->status == 303);
}

TEST_CASE("a hand-off that makes no sense says so, and signs nothing") {
  AgentSessionsFixture f;
  f.keep_agent("held", AgentStatus::quarantined);
  const auto browser = f.signed_in();
  const std::pair<std::string, int> cases[] = {
      {"agent=dd-9&browser=" + kBrowser, 404}, {"browser=" + kBrowser, 404},
      {"agent=held&browser=" + kBrowser, 409}, {"agent=dd-1", 400},
      {"agent=dd-1&browser=AAA", 400},         {"agent=dd-1&browser=%2B", 400}};
  for (const auto& [query, status] : cases) {
    CAPTURE(query);
    const auto page = f.hand_off(browser, query);
    REQUIRE(page.has_value());
    CHECK(page->status == status);
    CHECK(page->body.find("name=\"statement\"") == std::string::npos);
  }
}
