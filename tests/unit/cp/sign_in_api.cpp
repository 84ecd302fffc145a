#include "libdd/cp/sign_in_api.hpp"

#include <doctest/doctest.h>

#include "tests/support/check_error.hpp"
#include "tests/unit/cp/visitors.hpp"

using namespace dd;
using namespace dd::cp;

namespace {

/// The form again, with that status and why.
void check_form(const Answer& answer, int status, std::string_view why) {
  REQUIRE(answer.has_value());
  CHECK(answer->status == status);
  CHECK(contains(answer->body, "action=\"/auth/pat\""));
  CHECK(contains(answer->body, why));
  CHECK(header_of(answer, "Set-Cookie").empty());
}

void check_redirect(const Answer& answer, const std::string& location) {
  REQUIRE(answer.has_value());
  CHECK(answer->status == 303);
  CHECK(header_of(answer, "Location") == location);
}

}  // namespace

TEST_CASE("an owner's PAT signs in, and the cookie then does what the PAT does") {
  Visitors f;
  Browser browser;
  const auto signed_in = f.post(browser, "/auth/pat", "pat=" + kOwnerPat + "&next=%2Fagent%2F1");
  check_redirect(signed_in, "/agent/1");
  CHECK(header_of(signed_in, "Set-Cookie").starts_with("__Host-dd_session="));
  CHECK(contains(header_of(signed_in, "Set-Cookie"), "; HttpOnly; Secure; SameSite=Lax; Max-Age=3600"));
  browser.keep(signed_in);
  CHECK(f.get(browser, "/api/agents").has_value());
  CHECK(f.ask("POST", "/api/invites", browser.headers()).has_value());
}

TEST_CASE("a sign-in ends with its session, also where the browser keeps the cookie") {
  Visitors f;
  const auto browser = f.signed_in();
  f.clock.advance(std::chrono::seconds(3599));
  CHECK(f.get(browser, "/api/agents").has_value());
  f.clock.advance(std::chrono::seconds(1));
  CHECK_FALSE(f.get(browser, "/api/agents").has_value());
}

TEST_CASE("who is not the owner is told so, at the form") {
  Visitors f;
  check_form(f.post({}, "/auth/pat", "pat=" + kStrangerPat), 403, "cannot accept token");
  check_form(f.post({}, "/auth/pat", "pat=ghp_nobody"), 401, "cannot");
  check_form(f.post({}, "/auth/pat", "pat="), 401, "cannot read the token");
  check_form(f.post({}, "/auth/pat", "pat=ghp_owner%0d%0aX-Evil%3A+1"), 401, "cannot read the token");
  CHECK(f.transport->requests.size() == 2);
  f.github.set_outage(fail(ErrorCode::unavailable, "cannot connect"));
  check_form(f.post({}, "/auth/pat", "pat=" + kOwnerPat), 503, "cannot");
}

TEST_CASE("nobody is sent to another host after signing in") {
  Visitors f;
  for (const auto* next : {"%2F%2Fevil.example", "%2F%5Cevil.example", "https%3A%2F%2Fevil.example", ""}) {
    CAPTURE(next);
    check_redirect(f.post({}, "/auth/pat", "pat=" + kOwnerPat + "&next=" + next), "/");
    CHECK(contains(f.get({}, "/auth/pat?next=" + std::string(next))->body, "name=\"next\" value=\"/\""));
  }
}

TEST_CASE("another page cannot sign its visitor in or out, nor act with his cookie") {
  Visitors f;
  auto browser = f.signed_in();
  const auto link = code_of(f.as_owner("POST", "/auth/link"));
  for (const auto* origin : {"", "null", "https://evil.example", "https://hello.dd-1.dd.example"}) {
    CAPTURE(origin);
    browser.origin = origin;
    check_form(f.post(browser, "/auth/pat", "pat=" + kOwnerPat), 403, "Origin");
    check_form(f.post(browser, "/auth/link/use", "code=" + link), 403, "Origin");
    CHECK(f.post(browser, "/auth/logout")->status == 403);
    const auto invite = f.ask("POST", "/api/invites", browser.headers());
    REQUIRE_FALSE(invite.has_value());
    CHECK(invite.error().reason == "origin_mismatch");
  }
  browser.origin = kOrigin;
  CHECK(f.get(browser, "/api/agents").has_value());
}

TEST_CASE("who fails too often waits, and nobody else does") {
  Visitors f;
  const auto try_from = [&](const char* address, const std::string& pat) {
    auto headers = Browser().headers();
    headers.set("Content-Type", "application/x-www-form-urlencoded");
    headers.set("CF-Connecting-IP", address);
    return f.ask("POST", "/auth/pat", std::move(headers), "pat=" + pat);
  };
  for (int i = 0; i < 10; ++i) CHECK(try_from("203.0.113.9", "ghp_guess" + std::to_string(i))->status == 401);
  check_form(try_from("203.0.113.9", kOwnerPat), 429, "too many");
  CHECK(try_from("203.0.113.10", kOwnerPat)->status == 303);
  f.clock.advance(std::chrono::seconds(600));
  CHECK(try_from("203.0.113.9", kOwnerPat)->status == 303);
}

TEST_CASE("of many tries at once no more are asked about than may fail") {
  Visitors f;
  auto headers = Browser().headers();
  headers.set("Content-Type", "application/x-www-form-urlencoded");
  int guess = 0;
  for (const std::size_t asked : {4U, 8U, 10U, 10U}) {
    std::vector<test::RouteCall> guesses;
    for (int i = 0; i < 30; ++i)
      guesses.push_back({"POST", "/auth/pat", headers, "pat=ghp_guess" + std::to_string(++guess)});
    CHECK(test::granted_of(f.io, f.router, std::move(guesses)) == 30);  // each is answered with the form
    CHECK(f.transport->requests.size() == asked);
  }
}

TEST_CASE("while GitHub is down nobody is locked out") {
  Visitors f;
  f.github.set_outage(fail(ErrorCode::unavailable, "cannot connect"));
  for (int i = 0; i < 20; ++i) CHECK(f.post({}, "/auth/pat", "pat=" + kOwnerPat)->status == 503);
  f.github.reset();
  CHECK(f.post({}, "/auth/pat", "pat=" + kOwnerPat)->status == 303);
}

TEST_CASE("a one-time link signs in with a click and not by being fetched") {
  Visitors f;
  const auto link = f.as_owner("POST", "/auth/link");
  CHECK(body_of(link).at("expires_in") == 600);
  CHECK(body_of(link).at("url").get<std::string>().starts_with(kOrigin + "/auth/link?code="));
  const auto code = code_of(link);
  for (int i = 0; i < 2; ++i) CHECK(contains(f.get({}, "/auth/link?code=" + code)->body, "value=\"" + code + "\""));
  Browser browser;
  const auto used = f.post(browser, "/auth/link/use", "code=" + code);
  check_redirect(used, "/");
  browser.keep(used);
  CHECK(f.get(browser, "/api/agents").has_value());
  check_form(f.post({}, "/auth/link/use", "code=" + code), 401, "was used");
}

TEST_CASE("a session that comes from a session's link ends with it, and not later") {
  Visitors f;
  const auto first = f.signed_in();
  f.clock.advance(std::chrono::seconds(3000));
  auto last = first;
  for (int i = 0; i < 8; ++i) {
    Browser next;
    next.keep(f.post(next, "/auth/link/use", "code=" + f.link_of(last)));
    last = next;
  }
  CHECK(f.get(last, "/api/agents").has_value());
  test::check_error(f.ask("POST", "/auth/link", last.headers()), ErrorCode::conflict, {}, "sign in anew");
  f.clock.advance(std::chrono::seconds(600));
  CHECK_FALSE(f.get(last, "/api/agents").has_value());
}

TEST_CASE("who signs out ends what came from that session, and nobody else's") {
  Visitors f;
  const auto first = f.signed_in();
  const auto unused = f.link_of(first);
  Browser second;
  second.keep(f.post(second, "/auth/link/use", "code=" + f.link_of(first)));
  Browser third;
  third.keep(f.post(third, "/auth/link/use", "code=" + f.link_of(second)));
  Browser beside;
  beside.keep(f.post(beside, "/auth/link/use", "code=" + f.link_of(first)));
  f.post(second, "/auth/logout");
  CHECK(f.get(first, "/api/agents").has_value());
  CHECK(f.get(beside, "/api/agents").has_value());
  CHECK_FALSE(f.get(third, "/api/agents").has_value());
  f.post(first, "/auth/logout");
  CHECK_FALSE(f.get(beside, "/api/agents").has_value());
  check_form(f.post({}, "/auth/link/use", "code=" + unused), 401, "the session that made this link is over");
}

TEST_CASE("a revoked PAT ends the sessions that it began, also through a link") {
  Visitors f;
  const auto by_form = f.signed_in();
  Browser by_link;
  by_link.keep(f.post(by_link, "/auth/link/use", "code=" + code_of(f.as_owner("POST", "/auth/link"))));
  Browser derived;
  derived.keep(f.post(derived, "/auth/link/use", "code=" + f.link_of(by_link)));
  f.clock.advance(std::chrono::seconds(400));
  // GitHub's silence says nothing of a token.
  f.github.set_outage(fail(ErrorCode::unavailable, "cannot connect"));
  for (const auto& browser : {by_form, by_link, derived}) CHECK(f.get(browser, "/api/agents").has_value());
  f.github.set_outage(test::http_answer(401, "{}"));
  f.clock.advance(std::chrono::seconds(60));
  for (const auto& browser : {by_form, by_link, derived})
    test::check_error(f.get(browser, "/api/agents"), ErrorCode::unauthenticated, "signature_invalid",
                      "cannot accept session: ");
  f.github.reset();
  for (const auto& browser : {by_form, by_link, derived}) CHECK_FALSE(f.get(browser, "/api/agents").has_value());
}

TEST_CASE("a revoked PAT ends what came from it at agents, also when nobody shows its session here") {
  Visitors f;
  f.keep_agent("dd-1", AgentStatus::healthy);
  const auto browser = f.signed_in();
  f.github.set_outage(test::http_answer(401, "{}"));
  f.clock.advance(std::chrono::seconds(299));
  f.run(f.people.check_tokens());
  CHECK(f.context.sessions.ended_after(0, f.clock.unix_seconds()).sessions.empty());
  f.clock.advance(std::chrono::seconds(1));
  f.run(f.people.check_tokens());
  CHECK(f.context.sessions.ended_after(0, f.clock.unix_seconds()).sessions.size() == 1);
  CHECK_FALSE(f.get(browser, "/api/agents").has_value());
}

TEST_CASE("nobody takes the room of others by signing in again and again, and nobody's token is forgotten for it") {
  Visitors f;
  const auto first = f.signed_in();
  for (int i = 1; i < 255; ++i) REQUIRE_FALSE(f.signed_in().cookie.empty());
  Browser by_link;  // neither signing out nor coming by a link makes it less
  by_link.keep(f.post(by_link, "/auth/link/use", "code=" + f.link_of(first)));
  check_redirect(f.post(by_link, "/auth/logout"), "/auth/pat");
  check_form(f.post({}, "/auth/pat", "pat=" + kOwnerPat), 429, "octo has begun 256 sessions");
  f.github.set_outage(test::http_answer(401, "{}"));
  f.clock.advance(std::chrono::seconds(301));
  f.run(f.people.check_tokens());
  CHECK_FALSE(f.get(first, "/api/agents").has_value());
}

TEST_CASE("a link to a PAT that was revoked since starts no session") {
  Visitors f;
  const auto code = code_of(f.as_owner("POST", "/auth/link"));
  f.clock.advance(std::chrono::seconds(301));  // the owner's PAT is not remembered any more
  f.github.set_outage(test::http_answer(401, "{}"));
  check_form(f.post({}, "/auth/link/use", "code=" + code), 401, "cannot");
}

TEST_CASE("a link is made for an owner only") {
  Visitors f;
  CHECK_FALSE(f.ask("POST", "/auth/link").has_value());
  CHECK_FALSE(f.ask("POST", "/auth/link", test::bearer(kStrangerPat)).has_value());
  CHECK_FALSE(f.ask("POST", "/auth/link", test::bearer("ghp_nobody")).has_value());
}

TEST_CASE("signing out ends the session for who kept a copy of the cookie, too") {
  Visitors f;
  const auto browser = f.signed_in();
  const auto other = f.signed_in();
  const auto out = f.post(browser, "/auth/logout");
  check_redirect(out, "/auth/pat");
  CHECK(contains(header_of(out, "Set-Cookie"), "__Host-dd_session=; "));
  CHECK(contains(header_of(out, "Set-Cookie"), "Max-Age=0"));
  const auto refused = f.get(browser, "/api/agents");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::unauthenticated);
  CHECK(f.get(other, "/api/agents").has_value());
  check_redirect(f.post(browser, "/auth/logout"), "/auth/pat");
  CHECK_FALSE(f.get(browser, "/auth/logout").has_value());
}

TEST_CASE("signing out ends every session that the browser sends, whoever put them there") {
  Visitors f;
  const auto first = f.signed_in();
  const auto second = f.signed_in();
  const auto third = f.signed_in();
  const auto value = second.cookie.substr(second.cookie.find('='));
  const auto out =
      f.post({first.cookie + "; __Host-dd_session.abcdefgh" + value + "; __Host-dd_session=planted"}, "/auth/logout");
  check_redirect(out, "/auth/pat");
  CHECK_FALSE(f.get(first, "/api/agents").has_value());
  CHECK_FALSE(f.get(second, "/api/agents").has_value());
  CHECK(f.get(third, "/api/agents").has_value());
  // Also when none is good any more.
  check_redirect(f.post({"__Host-dd_session=planted"}, "/auth/logout"), "/auth/pat");
}

TEST_CASE("a cookie that is not this control plane's session is none") {
  Visitors f;
  const auto good = f.signed_in().cookie;
  const auto other = Visitors().signed_in().cookie;
  f.keep_agent("dd-1", AgentStatus::healthy);
  const auto token = body_of(f.as_owner("POST", "/auth/token", R"({"aud":"dd-1"})")).at("token").get<std::string>();
  for (const auto& cookie : {other, "__Host-dd_session=" + token, good + "x", std::string("__Host-dd_session="),
                             good.substr(std::string("__Host-").size())}) {
    CAPTURE(cookie);
    const auto answer = f.get({cookie}, "/api/agents");
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().code == ErrorCode::unauthenticated);
  }
  CHECK(f.get({good + "; " + other}, "/api/agents").has_value());
}
