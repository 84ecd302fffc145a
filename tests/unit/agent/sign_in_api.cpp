#include "libdd/agent/sign_in_api.hpp"

#include <doctest/doctest.h>

#include "libdd/agent/owner_auth.hpp"
#include "libdd/agent/session_api.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/net/form.hpp"
#include "libdd/net/target.hpp"
#include "tests/unit/agent/room.hpp"

using namespace dd;
using namespace dd::agent;

namespace {

const std::string kOwn = "https://" + kHostname;

std::string header_of(const Result<net::ServerResponse>& answer, const char* name) {
  const auto* value = answer.value().headers.find(name);
  return value == nullptr ? "" : *value;
}

std::string cookie_in(const Result<net::ServerResponse>& answer) {
  const auto text = header_of(answer, "Set-Cookie");
  return text.substr(0, text.find(';'));
}

/// An agent, and a browser on its way to it from the control plane.
struct SignInApiFixture : Room {
  SignInApi sign_ins{context};
  net::Router router;
  net::Authenticate authenticate = owner_only(context);
  std::string browser;  // its cookie
  std::string browser_sha256;

  SignInApiFixture() {
    join();
    sign_ins.add_routes(router);
    const auto detour = turned_away("/workload/7");
    browser = cookie_in(detour);
    const auto location = header_of(detour, "Location");
    browser_sha256 = net::parse_form_fields(location.substr(location.find('?') + 1)).value().at(1).second;
  }

  Result<net::ServerResponse> turned_away(const std::string& target, HttpHeaders headers = {}) {
    net::ServerRequest request;
    request.target = target;
    request.headers = std::move(headers);
    return sign_ins.turn_away(request, Error{ErrorCode::unauthenticated, "cannot", {}, {}});
  }
  [[nodiscard]] Json claims(const char* name = nullptr, const Json& value = {}) const {
    Json out = {{"aud", kAgentId},
                {"iat", clock.unix_seconds()},
                {"exp", clock.unix_seconds() + 60},
                {"sub", "octo"},
                {"user_id", 42},
                {"jti", "id-1"},
                {"browser_sha256", browser_sha256},
                {"session_exp", clock.unix_seconds() + 3600}};
    if (name != nullptr) out[name] = value;
    return out;
  }
  Result<net::ServerResponse> post(const std::string& path, const std::string& cookie, const std::string& origin,
                                   std::string form) {
    test::RouteCall call{"POST", path, {}, std::move(form)};
    call.headers.set("Content-Type", "application/x-www-form-urlencoded");
    if (!cookie.empty()) call.headers.set("Cookie", cookie);
    if (!origin.empty()) call.headers.set("Origin", origin);
    return ask(router, std::move(call));
  }
  Result<net::ServerResponse> hand_over(const std::string& statement) {
    return post("/auth/handoff", browser, kOrigin, net::form_text({{"statement", statement}, {"next", "/workload/7"}}));
  }
  Result<net::ServerResponse> hand_over() { return hand_over(by_cp(crypto::kHandoffTyp, claims())); }
  Result<std::string> asks(const std::string& method, const std::string& cookie, const std::string& origin = kOwn) {
    net::ServerRequest request;
    request.method = method;
    request.headers.set("Cookie", cookie);
    request.headers.set("Origin", origin);
    return run(authenticate(request));
  }
};

void check_refused(const Result<net::ServerResponse>& answer, int status) {
  REQUIRE(answer.has_value());
  CHECK(answer->status == status);
  CHECK(header_of(answer, "Set-Cookie").empty());
}

}  // namespace

TEST_CASE("a stranger is sent to the control plane with a mark of his browser, of which it learns the hash alone") {
  SignInApiFixture f;
  const auto away = f.turned_away("/workload/7");
  CHECK(away->status == 303);
  const auto location = header_of(away, "Location");
  CHECK(location.starts_with(kOrigin + "/auth/handoff?agent=" + kAgentId + "&browser="));
  CHECK(location.ends_with("&next=%2Fworkload%2F7"));
  const auto mark = cookie_in(away);
  CHECK(mark.starts_with("__Host-dd_browser="));
  CHECK(location.find(mark.substr(mark.find('=') + 1)) == std::string::npos);
  CHECK(header_of(away, "Set-Cookie").find("SameSite=None; Max-Age=600") != std::string::npos);
  CHECK(cookie_in(f.turned_away("/")) != mark);
  CHECK(cookie_in(f.turned_away("/", test::header("Cookie", mark))) == mark);
}

TEST_CASE("who is handed over is signed in with a cookie that only this VM could sign") {
  SignInApiFixture f;
  const auto in = f.hand_over();
  REQUIRE(in.has_value());
  CHECK(in->status == 303);
  CHECK(header_of(in, "Location") == "/workload/7");
  CHECK(header_of(in, "Set-Cookie").find("; HttpOnly; Secure; SameSite=Lax; Max-Age=3600") != std::string::npos);
  const auto cookie = cookie_in(in);
  CHECK(cookie.starts_with("__Host-dd_session="));
  CHECK(f.asks("GET", cookie).value() == "octo");
  CHECK(f.asks("POST", cookie).value() == "octo");
  f.clock.advance(std::chrono::seconds(3600));
  CHECK_FALSE(f.asks("GET", cookie).has_value());
  auto as_cookie = f.claims("aud", kOwn);
  CHECK_FALSE(f.asks("GET", "__Host-dd_session=" + f.by_cp(crypto::kCookieTyp, as_cookie)).has_value());
  CHECK_FALSE(f.asks("GET", "__Host-dd_session=" + f.by_cp(crypto::kSessionTyp, f.claims())).has_value());
}

TEST_CASE("a cookie opens no terminal, and gets the ticket that does") {
  SignInApiFixture f;
  SessionApi sessions(f.context);
  net::Router router;
  sessions.add_routes(router);
  const auto cookie = cookie_in(f.hand_over());
  const auto admitted = [&](std::vector<std::pair<std::string, std::string>> query) {
    net::ServerRequest request;
    request.method = "GET";
    request.params = {"app"};
    request.query = std::move(query);
    request.headers.set("Cookie", cookie);
    request.headers.set("Origin", kOwn);
    const auto match = router.match("GET", "/ws/session/app");
    return f.run(match.route->options.authenticate(request));
  };
  const auto refused = admitted({});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::unauthenticated);

  test::RouteCall call{"POST", "/session/app/ticket", test::header("Cookie", cookie), {}};
  CHECK_FALSE(f.ask(router, call).has_value());  // another page's
  call.headers.set("Origin", kOwn);
  const auto answer = f.ask(router, call);
  REQUIRE(answer.has_value());
  const auto ticket = parse_json(answer->body).value().at("ticket").get<std::string>();
  CHECK(admitted({{"ticket", ticket}}).value() == "octo");
}

TEST_CASE("a hand-off is good once, in its browser, from the control plane's page") {
  SignInApiFixture f;
  const auto statement = f.by_cp(crypto::kHandoffTyp, f.claims());
  const auto form = net::form_text({{"statement", statement}, {"next", "/"}});
  check_refused(f.post("/auth/handoff", "", kOrigin, form), 401);
  check_refused(f.post("/auth/handoff", "__Host-dd_browser=" + std::string(43, 'A'), kOrigin, form), 401);
  for (const auto* origin : {"", "null", "https://evil.example", "https://hello.dd-test-agent-1.dd.example"})
    check_refused(f.post("/auth/handoff", f.browser, origin, form), 403);
  // What somebody planted beside it is in nobody's way.
  CHECK(f.post("/auth/handoff", "__Host-dd_browser=planted; " + f.browser, kOrigin, form)->status == 303);
  check_refused(f.post("/auth/handoff", f.browser, kOrigin, form), 401);
}

TEST_CASE("what is not a hand-off to this agent signs nobody in") {
  SignInApiFixture f;
  const auto other = crypto::OkpPrivateKey::generate(crypto::Curve::ed25519, system_random());
  const std::pair<const char*, std::string> attacks[] = {
      {"to another agent", f.by_cp(crypto::kHandoffTyp, f.claims("aud", "dd-test-agent-2"))},
      {"expired", f.by_cp(crypto::kHandoffTyp, f.claims("exp", f.clock.unix_seconds()))},
      {"for another browser", f.by_cp(crypto::kHandoffTyp, f.claims("browser_sha256", to_base64url(Digest256{})))},
      {"for no browser", f.by_cp(crypto::kHandoffTyp, f.claims("browser_sha256", Json()))},
      {"by another key", crypto::sign_jws(other, crypto::kHandoffTyp, f.claims())},
      {"a session", f.by_cp(crypto::kSessionTyp, f.claims())},
      {"nothing", ""},
  };
  for (const auto& [name, statement] : attacks) {
    CAPTURE(name);
    check_refused(f.hand_over(statement), 401);
  }
}

TEST_CASE("nobody is sent to another host by a hand-off") {
  SignInApiFixture f;
  const auto form =
      net::form_text({{"statement", f.by_cp(crypto::kHandoffTyp, f.claims())}, {"next", "//evil.example"}});
  CHECK(header_of(f.post("/auth/handoff", f.browser, kOrigin, form), "Location") == "/");
}

TEST_CASE("a page of a workload cannot act with our cookie, nor sign anybody out") {
  SignInApiFixture f;
  const auto cookie = cookie_in(f.hand_over());
  const std::string workload = "https://hello.dd-test-agent-1.dd.example";
  const auto refused = f.asks("POST", cookie, workload);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().reason == "origin_mismatch");
  CHECK(f.post("/auth/logout", cookie, workload, "")->status == 403);
  CHECK(f.asks("GET", cookie).has_value());
}

TEST_CASE("signing out ends the session for who kept a copy, too") {
  SignInApiFixture f;
  const auto cookie = cookie_in(f.hand_over());
  const auto out = f.post("/auth/logout", cookie, kOwn, "");
  REQUIRE(out.has_value());
  CHECK(header_of(out, "Set-Cookie").find("Max-Age=0") != std::string::npos);
  CHECK(out->body.find(kOrigin) != std::string::npos);
  const auto refused = f.asks("GET", cookie);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::unauthenticated);
  CHECK(f.post("/auth/logout", cookie, kOwn, "")->status == 200);
}

TEST_CASE("an agent that is not registered signs nobody in") {
  SignInApiFixture f;
  const auto statement = f.by_cp(crypto::kHandoffTyp, f.claims());
  f.state.membership.reset();
  check_refused(f.turned_away("/"), 503);
  check_refused(f.hand_over(statement), 503);
}
