#include "libdd/agent/registration.hpp"

#include <doctest/doctest.h>

#include "libdd/crypto/digest.hpp"
#include "tests/support/check_error.hpp"
#include "tests/support/register_request.hpp"
#include "tests/unit/agent/room.hpp"

using namespace dd;
using namespace dd::agent;
using namespace dd::test;

namespace {

struct Registering : Room {
  using Room::Room;
  Registration registration{context};
  Result<Registered> attempt() { return run(registration.attempt({{"web", 8000, ServiceProtocol::http}})); }
  bool new_key() { return run(registration.control_plane_has_new_key()); }
};

}  // namespace

TEST_CASE("a registration says who the VM is, and its quote is bound to exactly that") {
  Registering f;
  const auto registered = f.attempt().value();
  CHECK(f.claims.vm_name == "vm-1");
  CHECK(f.claims.owner == "octo");
  CHECK(f.claims.env_label == "test");
  CHECK(f.claims.audience == kOrigin);
  CHECK(f.claims.signing_key == f.state.keys.signing);
  CHECK(f.claims.sealing_key == f.state.keys.sealing);
  CHECK(f.claims.boot_id == f.state.keys.boot_id);
  CHECK(f.claims.agent_port == 9090);
  CHECK(f.claims.extra_ingress.size() == 1);
  CHECK(f.claims.event_log == f.capability.events);
  CHECK(f.claims.ita_token == "a.b.c");

  REQUIRE(f.capability.quotes.size() == 1);
  CHECK(f.capability.quotes[0].tag == kRegisterTag);
  const auto hashed = protocol::hashed_claims(protocol::to_json_value(f.claims)).value();
  const std::vector<Digest256> fields{f.claims.nonce, crypto::sha256(as_bytes(kOrigin)), hashed};
  CHECK(f.capability.quotes[0].fields == fields);
  CHECK(registered.shown.binding == protocol::TokenBinding{std::string(kRegisterTag), f.claims.nonce, 3});
  CHECK(registered.shown.token == "a.b.c");
}

TEST_CASE("a registration is announced by a head that says which one it is") {
  Registering f;
  REQUIRE(f.attempt().has_value());
  const auto& sent = f.transport->requests.back();
  CHECK(f.head == head_for(f.claims, sent.body));
}

TEST_CASE("the answer gives the agent its name and its run token") {
  Registering f;
  const auto registered = f.attempt().value();
  CHECK(registered.membership.agent_id == kAgentId);
  CHECK(registered.membership.hostname == kHostname);
  CHECK(registered.membership.cp_key == f.cp_key.public_key());
  CHECK(registered.tunnel_token.reveal() == "run token");
  CHECK(registered.extra_hostnames == std::vector<std::string>{"web." + kHostname});
}

TEST_CASE("the shorter of the two refresh intervals counts") {
  for (const std::int64_t told : {60, 180, 600}) {
    CAPTURE(told);
    Registering f;
    f.refresh_secs = told;
    const auto expected = std::min<std::int64_t>(told, 180);
    CHECK(f.attempt().value().membership.refresh == std::chrono::seconds(expected));
  }
}

TEST_CASE("events that came after the quote are left for the first poll") {
  Registering f;
  f.capability.events.push_back(R"({"index":3,"type":"deploy"})");
  REQUIRE(f.attempt().has_value());
  CHECK(f.claims.event_log.size() == 3);
  CHECK(f.claims.quoted_events == 3);
}

TEST_CASE("a log that is shorter than what was quoted is not sent") {
  Registering f;
  f.capability.quoted_events = 4;
  check_error_says(f.attempt(), ErrorCode::upstream, "it ends at 3");
  CHECK(f.registrations == 0);
}

TEST_CASE("the ticket goes before the PAT, and to the control plane alone") {
  for (const bool ticket : {true, false}) {
    AgentOptions options;
    Registering f(std::move(options));
    if (!ticket) f.options.join_ticket = Secret();
    f.options.pat = Secret("ghp_pat");
    REQUIRE(f.attempt().has_value());
    for (const auto& request : f.transport->requests) {
      const auto* sent = request.headers.find("Authorization");
      if (request.url == kOrigin + "/register")
        CHECK(*sent == (ticket ? "Bearer ticket" : "Bearer ghp_pat"));
      else
        CHECK(sent == nullptr);
    }
  }
}

TEST_CASE("a run token that was sealed for another agent is not used") {
  Registering f;
  f.sealed_for = "dd-test-agent-2";
  REQUIRE_FALSE(f.attempt().has_value());
}

TEST_CASE("each step's failure is told with its own name and stops there") {
  const auto down = [](const HttpRequest&) { return fail(ErrorCode::unavailable, "cannot connect"); };
  const auto web_page = [](const HttpRequest&) { return test::http_answer(200, "<html>"); };
  {
    Registering f;
    f.cp("POST /register/challenge", down);
    check_error_says(f.attempt(), ErrorCode::unavailable, "cannot get a challenge");
    f.cp("POST /register/challenge", web_page);
    check_error_says(f.attempt(), ErrorCode::malformed, "cannot get a challenge");
    CHECK(f.capability.quotes.empty());
  }
  {
    Registering f;
    f.appraise = [](const HttpRequest&) { return test::http_answer(401, "{}"); };
    check_error_says(f.attempt(), ErrorCode::unauthenticated, "cannot mint a token");
    CHECK(f.registrations == 0);
  }
  {
    Registering f;
    f.cp("POST /register", [](const HttpRequest&) {
      return test::http_answer(409, R"({"code":"conflict","message":"cannot register: held","reason":"name_held"})");
    });
    const auto refused = f.attempt();
    check_error_says(refused, ErrorCode::conflict, "cannot register");
    CHECK(refused.error().reason == "name_held");
    f.cp("POST /register", web_page);
    check_error_says(f.attempt(), ErrorCode::malformed, "cannot register");
  }
}

TEST_CASE("a control plane has a new key when it shows one, and in no case of doubt") {
  Registering f;
  f.join();
  const auto show = [&f](const std::string& body, int status = 200) {
    f.cp("GET /api/key", [body, status](const HttpRequest&) { return test::http_answer(status, body); });
  };
  const auto other = crypto::OkpPrivateKey::generate(crypto::Curve::ed25519, system_random()).public_key();
  show(to_text(Json{{"cp_key", other.to_jwk()}}));
  CHECK(f.new_key());
  show(to_text(Json{{"cp_key", other.to_jwk()}}), 503);
  CHECK_FALSE(f.new_key());
  show(to_text(Json{{"cp_key", f.cp_key.public_key().to_jwk()}}));
  CHECK_FALSE(f.new_key());
  for (const char* body :
       {"", "<html>", "[]", "{}", R"({"cp_key":null})", R"({"cp_key":"x"})", R"({"cp_key":{"kty":"OKP"}})"}) {
    CAPTURE(body);
    show(body);
    CHECK_FALSE(f.new_key());
  }
  f.cp("GET /api/key", [](const HttpRequest&) { return fail(ErrorCode::unavailable, "cannot connect"); });
  CHECK_FALSE(f.new_key());
}
