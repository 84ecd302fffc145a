#include "libdd/agent/poll_api.hpp"

#include <doctest/doctest.h>

#include "libdd/agent/visitor.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/identity/session.hpp"
#include "tests/support/check_error.hpp"
#include "tests/support/run_task.hpp"
#include "tests/unit/agent/room.hpp"

using namespace dd;
using namespace dd::agent;
using namespace dd::test;

namespace {

struct Polled : Room {
  Exposer exposer{context, calls, {}, [] {}};
  Refresher refresher{context};
  int unknown_keys = 0;
  PollApi api{context, numbers, exposer, refresher, [this] { ++unknown_keys; }};
  net::Router router;

  Polled() {
    join();
    state.shown = {"a.b.c", {std::string(kRegisterTag), Digest256{}, 3}};
    api.add_routes(router);
  }
  [[nodiscard]] protocol::PollClaims claims(int nonce = 1) const {
    Digest256 bytes{};
    bytes[0] = static_cast<std::byte>(nonce & 0xff);
    bytes[1] = static_cast<std::byte>(nonce >> 8);
    return {kAgentId, kOrigin, clock.unix_seconds(), clock.unix_seconds() + 60, bytes, 0, {}};
  }
  Result<net::ServerResponse> poll(const std::string& statement, const std::string& target = "/health") {
    return ask(router, {"GET", target, test::header(protocol::kChallengeHeader, statement), {}});
  }
  Result<net::ServerResponse> poll(const protocol::PollClaims& claims, const std::string& target = "/health") {
    return poll(by_cp(crypto::kPollTyp, protocol::to_json_value(claims)), target);
  }
};

}  // namespace

TEST_CASE("anyone is told that the agent is there, and no more") {
  Polled f;
  const auto show = [&f] { return parse_json(f.ask(f.router, {"GET", "/health", {}, {}}).value().body).value(); };
  CHECK(show().size() == 4);
  CHECK(show().at("integrity") == "attested");
  f.state.keys.attestation_type = "tdx-simulated";
  CHECK(show().at("integrity") == "simulated");
  f.state.keys.attestation_type = "none";
  CHECK(show().at("integrity") == "simulated");
  f.state.membership.reset();
  CHECK(show().at("integrity") == "unregistered");
}

TEST_CASE("a poll is answered with everything, under a proof over the very bytes") {
  Polled f;
  f.deployments = {running("app")};
  const auto response = f.poll(f.claims()).value();
  const auto health = protocol::agent_health_from(parse_json(response.body).value()).value();
  CHECK(health.agent_id == kAgentId);
  CHECK(health.boot_id == f.state.keys.boot_id);
  CHECK(health.deployments.at(0).app_name == "app");
  CHECK(health.log.events.size() == 2);
  CHECK(health.log.total == 3);

  const auto statement =
      crypto::parse_statement(*response.headers.find(protocol::kProofHeader), crypto::kProofTyp).value();
  const crypto::StatementRule rule{crypto::kProofTyp, kOrigin, crypto::Expiry::absent, f.clock.unix_seconds()};
  CHECK(crypto::verify_statement(statement, f.state.keys.signing, rule).has_value());
  const auto proof = protocol::proof_claims_from(*statement.claims).value();
  CHECK(proof.body_sha256 == crypto::sha256(as_bytes(response.body)));
  CHECK(proof.token_sha256 == crypto::sha256(as_bytes("a.b.c")));
  CHECK(proof.nonce == f.claims().nonce);
  CHECK(proof.issuer == kAgentId);
  CHECK(proof.seq == 1000);
  CHECK(f.state.poll_nonce == f.claims().nonce);
}

TEST_CASE("an agent whose runtime does not answer still proves itself, and says that it is not well") {
  Polled f;
  f.runtime_refusal = Json{{"ok", false}, {"error", "cannot list"}, {"code", "internal"}};
  const auto health = protocol::agent_health_from(parse_json(f.poll(f.claims()).value().body).value()).value();
  CHECK_FALSE(health.base.ok);
  CHECK(health.deployments.empty());
}

TEST_CASE("a poll that is for someone else, from someone else, or out of time is refused") {
  using Claims = protocol::PollClaims;
  const struct {
    std::string name;
    std::function<void(Claims&)> bend;
  } cases[] = {
      {"another agent's", [](Claims& c) { c.audience = "dd-test-agent-2"; }},
      {"of another origin", [](Claims& c) { c.issuer = "https://evil.example"; }},
      {"just expired", [](Claims& c) { c.expires_at -= 60; }},
      {"from more than a minute ahead",
       [](Claims& c) {
         c.issued_at += 61;
         c.expires_at += 61;
       }},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    Polled f;
    auto claims = f.claims();
    c.bend(claims);
    check_error(f.poll(claims), ErrorCode::unauthenticated, "signature_invalid");
    CHECK(f.unknown_keys == 0);
    CHECK_FALSE(f.state.poll_nonce.has_value());
  }
  Polled f;
  auto ahead = f.claims();
  ahead.issued_at += 60;  // a control plane whose clock is a minute fast
  CHECK(f.poll(ahead).has_value());
}

TEST_CASE("who signed out at the control plane is signed out here with the next poll") {
  Polled f;
  auto session =
      identity::new_session({"octo", 42, {}}, kAgentId, std::chrono::seconds(600), f.clock, f.context.random);
  session.from = {"first", "second"};
  const auto token = f.by_cp(crypto::kSessionTyp, protocol::to_json_value(session));
  const auto asks = [&] { return test::run(f.io, who(f.context, "GET", test::bearer(token), {})); };
  auto claims = f.claims();
  claims.signed_out = {{"another", session.expires_at}};
  CHECK(f.poll(claims).has_value());
  CHECK(asks().has_value());
  claims = f.claims(2);
  claims.signed_out = {{"second", session.expires_at}};
  CHECK(f.poll(claims).has_value());
  check_error(asks(), ErrorCode::unauthenticated, "signature_invalid", "the one that it came from was signed out");
}

TEST_CASE("when the control plane has everybody sign in again, so does the agent") {
  Polled f;
  const auto session =
      identity::new_session({"octo", 42, {}}, kAgentId, std::chrono::seconds(600), f.clock, f.context.random);
  const auto token = f.by_cp(crypto::kSessionTyp, protocol::to_json_value(session));
  auto claims = f.claims();
  claims.all_over_until = session.issued_at - 1;
  CHECK(f.poll(claims).has_value());
  CHECK(test::run(f.io, who(f.context, "GET", test::bearer(token), {})).has_value());
  claims = f.claims(2);
  claims.all_over_until = session.issued_at;
  CHECK(f.poll(claims).has_value());
  check_error(test::run(f.io, who(f.context, "GET", test::bearer(token), {})), ErrorCode::unauthenticated,
              "signature_invalid", "cannot accept session");
}

TEST_CASE("a sign-out that comes with an end of all, or before it, is not forgotten for that") {
  Polled f;
  const auto session_from = [&f](const std::string& first) {
    auto session =
        identity::new_session({"octo", 42, {}}, kAgentId, std::chrono::seconds(600), f.clock, f.context.random);
    session.from = {first};
    return f.by_cp(crypto::kSessionTyp, protocol::to_json_value(session));
  };
  const auto now = f.clock.unix_seconds();
  auto claims = f.claims();
  claims.signed_out = {{"before", now + 600}};
  CHECK(f.poll(claims).has_value());
  claims = f.claims(2);
  claims.signed_out = {{"with it", now + 600}};
  claims.all_over_until = now - 1;
  CHECK(f.poll(claims).has_value());
  for (const std::string first : {"before", "with it"}) {
    CAPTURE(first);
    const auto token = session_from(first);
    check_error(test::run(f.io, who(f.context, "GET", test::bearer(token), {})), ErrorCode::unauthenticated,
                "signature_invalid", "cannot accept session");
  }
}

TEST_CASE("a statement that is no poll is refused") {
  Polled f;
  const auto claims = protocol::to_json_value(f.claims());
  check_error(f.poll("a.b.c"), ErrorCode::unauthenticated, "signature_invalid");
  check_error(f.poll(f.by_cp(crypto::kSessionTyp, claims)), ErrorCode::unauthenticated, "signature_invalid");
  auto statement = f.by_cp(crypto::kPollTyp, claims);
  const auto at = statement.rfind('.') + 5;
  statement[at] = statement[at] == 'A' ? 'B' : 'A';
  check_error(f.poll(statement), ErrorCode::unauthenticated, "signature_invalid");
  auto without_nonce = claims;
  without_nonce.erase("nonce");
  check_error(f.poll(f.by_cp(crypto::kPollTyp, without_nonce)), ErrorCode::unauthenticated, "signature_invalid");
}

TEST_CASE("a poll under a key that the agent does not know makes it doubt its registration") {
  Polled f;
  const auto other = crypto::OkpPrivateKey::generate(crypto::Curve::ed25519, system_random());
  const auto statement = crypto::sign_jws(other, crypto::kPollTyp, protocol::to_json_value(f.claims()));
  check_error(f.poll(statement), ErrorCode::unauthenticated, "cp_key_unknown");
  CHECK(f.unknown_keys == 1);
  f.state.membership.reset();
  check_error(f.poll(f.claims()), ErrorCode::unauthenticated, "cp_key_unknown");
  CHECK(f.unknown_keys == 2);
}

TEST_CASE("a poll is answered once; its log may be read page by page") {
  Polled f;
  const auto claims = f.claims();
  REQUIRE(f.poll(claims).has_value());
  check_error(f.poll(claims), ErrorCode::unauthenticated, "replayed");
  for (const std::string target : {"/log?from=2", "/log?from=2", "/log"}) {
    const auto page = f.poll(claims, target);
    REQUIRE(page.has_value());
  }
  const auto page =
      protocol::log_page_from(parse_json(f.poll(claims, "/log?from=2").value().body).value(), "$").value();
  CHECK(page.from == 2);
  CHECK(page.events.size() == 1);
}

TEST_CASE("a poll is remembered for its whole life") {
  Polled f;
  const auto claims = f.claims();
  REQUIRE(f.poll(claims).has_value());
  for (const int later : {29, 30, 59}) {
    CAPTURE(later);
    f.clock.advance(std::chrono::seconds(later) - std::chrono::seconds(f.clock.unix_seconds() - claims.issued_at));
    check_error(f.poll(claims), ErrorCode::unauthenticated, "replayed");
  }
}

TEST_CASE("the log is for the control plane, from the index of an event") {
  Polled f;
  check_error(f.ask(f.router, {"GET", "/log", {}, {}}), ErrorCode::unauthenticated, "");
  for (const std::string from : {"-1", "1x", "", "99999999999999999999"}) {
    CAPTURE(from);
    const auto answer = f.poll(f.claims(), "/log?from=" + std::string(from));
    check_error(answer, ErrorCode::invalid_argument, "");
    CHECK(answer.error().path == "from");
  }
}

TEST_CASE("a nonce is remembered until its poll has expired, and only so many are") {
  Polled f;
  for (int i = 0; i < 1024; ++i) REQUIRE(f.poll(f.claims(i)).has_value());
  check_error(f.poll(f.claims(2000)), ErrorCode::rate_limited, "");
  f.clock.advance(std::chrono::seconds(61));
  CHECK(f.poll(f.claims(2000)).has_value());
}

TEST_CASE("a poll that could not be answered is no poll that a token may be bound to") {
  Polled f;
  f.capability.broken = Error{ErrorCode::unavailable, "cannot reach the runtime", {}, {}};
  check_error(f.poll(f.claims()), ErrorCode::unavailable, "");
  CHECK_FALSE(f.state.poll_nonce.has_value());
}
