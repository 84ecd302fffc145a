#include "libdd/identity/cookie_sessions.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "libdd/crypto/jws.hpp"
#include "libdd/crypto/statement.hpp"
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
  CHECK(f.sessions.start(f.compact, f.claims, f.site, f.clock.unix_seconds()).value() ==
        "__Host-dd_session=" + f.compact + "; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=3600");
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
  CHECK(f.sessions.end(f.claims, f.site, f.clock.unix_seconds()).value() ==
        "__Host-dd_session=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0");
  const auto found = f.find("GET", f.compact);
  REQUIRE_FALSE(found.has_value());
  CHECK(found.error().code == ErrorCode::unauthenticated);
  CHECK(f.sessions.end(f.claims, f.site, f.clock.unix_seconds()).has_value());
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
  CHECK(f.sessions.start(f.compact, f.claims, f.site, f.clock.unix_seconds()).error().code == ErrorCode::unsupported);
}
