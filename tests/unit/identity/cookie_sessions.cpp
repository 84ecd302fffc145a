#include "libdd/identity/cookie_sessions.hpp"

#include <set>

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "libdd/crypto/jws.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/identity/cookie.hpp"
#include "libdd/identity/session.hpp"

using namespace dd;
using namespace dd::identity;

namespace {

const std::string kOrigin = "https://app.dd.example";

struct CookieSessionsFixture {
  ManualClock clock{Clock::TimePoint(std::chrono::seconds(1'790'000'000))};
  crypto::OkpPrivateKey key = crypto::OkpPrivateKey::generate(crypto::Curve::ed25519, system_random());
  Site site{kOrigin, key.public_key()};
  CookieSessions sessions;
  protocol::SessionClaims claims =
      new_session({"octo", 42, "owner"}, kOrigin, std::chrono::seconds(3600), clock, system_random());
  std::string compact = sign(claims);

  [[nodiscard]] std::string sign(const protocol::SessionClaims& said) const {
    return crypto::sign_jws(key, crypto::kSessionTyp, protocol::to_json_value(said));
  }
  [[nodiscard]] std::vector<std::string> start(const std::string& sent) const {
    HttpHeaders headers;
    if (!sent.empty()) headers.set("Cookie", sent);
    return CookieSessions::start(compact, claims, site, clock.unix_seconds(), headers, system_random()).value();
  }
  [[nodiscard]] Result<std::optional<protocol::SessionClaims>> find(const std::string& method,
                                                                    const std::string& cookie,
                                                                    const std::string& origin = {}) const {
    HttpHeaders headers;
    if (!cookie.empty()) headers.set("Cookie", "__Host-dd_session=" + cookie);
    if (!origin.empty()) headers.set("Origin", origin);
    return sessions.find(method, headers, site, clock.unix_seconds());
  }
};

}  // namespace

TEST_CASE("who has a session is known by the cookie that started it") {
  CookieSessionsFixture f;
  CHECK(f.start({}) == std::vector<std::string>{"__Host-dd_session=" + f.compact +
                                                "; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=3600"});
  CHECK(f.find("GET", f.compact).value() == f.claims);
  CHECK(f.find("GET", "").value() == std::nullopt);
}

TEST_CASE("a cookie opens nothing but its own origin, in time") {
  CookieSessionsFixture f;
  auto agents = f.claims;
  agents.audience = "dd-test-agent-1";
  auto siblings = f.claims;
  siblings.audience = "https://app.dd.example.evil.example";
  for (const auto& session : {f.sign(agents), f.sign(siblings), std::string("a.b.c"), std::string("octo")}) {
    const auto found = f.find("GET", session);
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().code == ErrorCode::unauthenticated);
  }
  f.clock.advance(std::chrono::seconds(3600));
  CHECK_FALSE(f.find("GET", f.compact).has_value());
}

TEST_CASE("a request that changes something must come from our own page") {
  CookieSessionsFixture f;
  CHECK(f.find("POST", f.compact, kOrigin).value() == f.claims);
  CHECK(f.find("DELETE", f.compact, kOrigin).value() == f.claims);
  for (const auto* origin : {"", "null", "https://hello.dd-1.dd.example"}) {
    CAPTURE(origin);
    const auto found = f.find("POST", f.compact, origin);
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().code == ErrorCode::permission_denied);
    CHECK(found.error().reason == "origin_mismatch");
  }
  CHECK(f.find("GET", f.compact, "https://hello.dd-1.dd.example").value() ==
        f.claims);  // it reads nothing of the answer
}

TEST_CASE("a session that was signed out is no good to who kept a copy") {
  CookieSessionsFixture f;
  HttpHeaders headers;
  headers.set("Cookie", "__Host-dd_session=" + f.compact);
  CHECK(f.sessions.clear(headers, f.site) ==
        std::vector<std::string>{"__Host-dd_session=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0"});
  f.sessions.revoke({f.claims.id, f.claims.expires_at}, f.clock.unix_seconds());
  const auto found = f.find("GET", f.compact);
  REQUIRE_FALSE(found.has_value());
  CHECK(found.error().code == ErrorCode::unauthenticated);
}

TEST_CASE("who is told of ended sessions is told of each, in as many pieces as it takes") {
  CookieSessionsFixture f;
  const auto now = f.clock.unix_seconds();
  for (int i = 0; i < 100; ++i) f.sessions.revoke({"id-" + std::to_string(i), now + (i < 50 ? 100 : 3600)}, now);
  std::vector<std::string> heard;
  std::uint64_t told = 0;
  for (int polls = 0; polls < 4; ++polls) {
    const auto news = f.sessions.ended_after(told, now);
    CHECK(news.sessions.size() <= protocol::kMostSignedOut);
    for (const auto& session : news.sessions) heard.push_back(session.id);
    told = news.told;
  }
  CHECK(heard.size() == 100);
  CHECK(std::set(heard.begin(), heard.end()).size() == 100);
  CHECK(f.sessions.ended_after(told, now).sessions.empty());
  f.sessions.revoke({"late", now + 3600}, now);
  CHECK(f.sessions.ended_after(told, now).sessions.size() == 1);
  // What is over by itself is told to nobody, and forgotten.
  CHECK(f.sessions.ended_after(0, now + 100).sessions.front().id == "id-50");
  f.sessions.revoke({"later", now + 3600}, now + 100);
  CHECK(f.sessions.ended_after(0, now + 100).sessions.front().id == "id-50");
  CHECK(f.sessions.ended_after(told + 1, now + 100).sessions.front().id == "later");
}

TEST_CASE("when more sessions were ended than can be remembered, everybody has to sign in again") {
  CookieSessionsFixture f;
  const auto now = f.clock.unix_seconds();
  f.sessions.revoke({f.claims.id, f.claims.expires_at}, now);
  const auto other = new_session({"octo", 42, "owner"}, kOrigin, std::chrono::seconds(3600), f.clock, system_random());
  CHECK(f.find("GET", f.sign(other)).has_value());
  for (int i = 0; i < 10'000; ++i) f.sessions.revoke({"id-" + std::to_string(i), now + 3600}, now + 1);
  CHECK_FALSE(f.find("GET", f.compact).has_value());
  CHECK_FALSE(f.find("GET", f.sign(other)).has_value());
  CHECK(f.sessions.all_over_until() == now + 1);
  f.clock.advance(std::chrono::seconds(2));
  const auto anew = new_session({"octo", 42, "owner"}, kOrigin, std::chrono::seconds(3600), f.clock, system_random());
  CHECK(f.find("GET", f.sign(anew)).has_value());
}

TEST_CASE("what was planted under our name costs nobody the session") {
  CookieSessionsFixture f;
  f.site.origin = "http://app.dd.localhost";
  f.claims.audience = f.site.origin;
  auto newer = f.claims;
  newer.id = "newer";
  ++newer.issued_at;
  auto over = f.claims;
  over.expires_at = f.clock.unix_seconds() - 1;
  const auto good = "dd_session=" + f.sign(f.claims);
  const std::string junk =
      "dd_session=planted; dd_session=a.b.c; dd_session.12345678=; dd_session=" + f.sign(over) + "; ";
  const struct {
    const char* name;
    std::string sent;
    const protocol::SessionClaims* want;
  } rows[] = {{"behind it", junk + good, &f.claims},
              {"in front of it", good + "; " + junk, &f.claims},
              {"the same twice", good + "; " + good, &f.claims},
              {"an earlier session of the same person", "dd_session.abcdefgh=" + f.sign(newer) + "; " + good, &newer}};
  for (const auto& row : rows) {
    CAPTURE(row.name);
    HttpHeaders headers;
    headers.set("Cookie", row.sent);
    CHECK(f.sessions.find("GET", headers, f.site, f.clock.unix_seconds()).value() == *row.want);
  }
  HttpHeaders headers;
  headers.set("Cookie", junk);
  CHECK(f.sessions.find("GET", headers, f.site, f.clock.unix_seconds()).error().code == ErrorCode::unauthenticated);
}

TEST_CASE("good sessions of two people are a conflict, whichever comes first") {
  CookieSessionsFixture f;
  auto planted = f.claims;
  planted.login = "mallory";
  planted.user_id = 66;
  planted.id = "planted";
  const auto ours = "__Host-dd_session=" + f.compact;
  const auto theirs = "__Host-dd_session.abcdefgh=" + f.sign(planted);
  for (const auto& sent : {ours + "; " + theirs, theirs + "; " + ours}) {
    HttpHeaders headers;
    headers.set("Cookie", sent);
    const auto found = f.sessions.find("GET", headers, f.site, f.clock.unix_seconds());
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().code == ErrorCode::unauthenticated);
    CHECK(found.error().reason == kCookieConflict);
    CHECK(found.error().message.find("mallory") != std::string::npos);
  }
}

TEST_CASE("who signs in where others were planted gets a name of his own, and the others go") {
  CookieSessionsFixture f;
  f.site.origin = "http://app.dd.localhost";
  const auto started = f.start("dd_session=planted; dd_session=twice");
  REQUIRE(started.size() == 4);
  CHECK(started[0] == "dd_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
  CHECK(started[2].ends_with("; Domain=dd.localhost"));
  CHECK(started[3].starts_with("dd_session."));
  const auto name = started[3].substr(0, started[3].find('='));
  CHECK(is_fresh_name(name, kSessionCookie));
  CHECK(f.start("dd_session=planted").back().substr(0, name.size()) != name);
}

TEST_CASE("a cookie of the control plane is none of an agent's, though they share a VM and its key") {
  CookieSessionsFixture f;
  const auto agents = crypto::sign_jws(f.key, crypto::kCookieTyp, protocol::to_json_value(f.claims));
  CHECK_FALSE(f.find("GET", agents).has_value());
  f.site.kind = SiteKind::agent;
  CHECK(f.find("GET", agents).value() == f.claims);
  CHECK_FALSE(f.find("GET", f.compact).has_value());
}

TEST_CASE("over http a session is possible below .localhost only") {
  CookieSessionsFixture f;
  f.site.origin = "http://app.dd.example";
  CHECK(f.find("GET", f.compact).error().code == ErrorCode::unsupported);
  CHECK(f.sessions.start(f.compact, f.claims, f.site, f.clock.unix_seconds(), {}, system_random()).error().code ==
        ErrorCode::unsupported);
}
