#include "libdd/cp/fleet_api.hpp"

#include <doctest/doctest.h>

#include "libdd/crypto/statement.hpp"
#include "libdd/protocol/fleet.hpp"
#include "tests/support/check_error.hpp"
#include "tests/unit/cp/sample_record.hpp"
#include "tests/unit/cp/vm.hpp"

using namespace dd;
using namespace dd::cp;
using namespace dd::test;

namespace {

void keep(Room& room, AgentStatus status, const std::string& id) {
  auto record = sample_record(id, id);
  record.status = status;
  room.must(room.store.save(record));
}

Json ticket_claims(const Answer& answer) {
  const auto ticket = body_of(answer).at("ticket").get<std::string>();
  return *crypto::parse_statement(ticket, crypto::kJoinTyp).value().claims;
}

}  // namespace

TEST_CASE("health is for anyone and counts the agents that live") {
  Room f;
  keep(f, AgentStatus::healthy, "a");
  keep(f, AgentStatus::healthy, "b");
  keep(f, AgentStatus::unreachable, "c");
  keep(f, AgentStatus::quarantined, "d");
  keep(f, AgentStatus::dropping, "e");
  keep(f, AgentStatus::dropped, "f");
  const auto health = protocol::cp_health_from(body_of(f.ask("GET", "/health"))).value();
  CHECK(health.agent_count == 4);
  CHECK(health.healthy_count == 2);
  CHECK(health.policy == "tofu");
  CHECK(health.env == "test");
  CHECK_FALSE(health.simulated);
}

TEST_CASE("the control plane's key is for anyone, everything else for the owner") {
  Room f;
  const auto key = body_of(f.ask("GET", "/api/key"));
  CHECK(key.at("cp_origin") == kOrigin);
  CHECK(crypto::OkpPublicKey::from_jwk(key.at("cp_key"), crypto::Curve::ed25519).value() == f.context.cp_key);

  const std::pair<std::string, std::string> routes[] = {
      {"GET", "/api/agents"}, {"GET", "/api/policy"}, {"POST", "/api/agents/a/revoke"}, {"POST", "/api/invites"}};
  for (const auto& [method, path] : routes) {
    CAPTURE(path);
    check_error_at(f.ask(method, path), ErrorCode::unauthenticated);
    check_error_at(f.ask(method, path, test::bearer("ghp_nobody")), ErrorCode::unauthenticated);
    check_error_at(f.ask(method, path, test::bearer(kStrangerPat)), ErrorCode::permission_denied);
  }
}

TEST_CASE("while GitHub is down the owner is told so, and let in by what is remembered") {
  Room f;
  f.github.set_outage(fail(ErrorCode::unavailable, "cannot connect"));
  check_error_at(f.as_owner("GET", "/api/agents"), ErrorCode::unavailable);
  f.github.reset();
  CHECK(f.as_owner("GET", "/api/agents").has_value());
  f.github.set_outage(fail(ErrorCode::unavailable, "cannot connect"));
  CHECK(f.as_owner("GET", "/api/agents").has_value());
}

TEST_CASE("every agent is listed with what is known of it") {
  Room f;
  keep(f, AgentStatus::dropped, "dd-test-agent-a");
  auto record = sample_record("dd-test-agent-b", "vm-b");
  record.last_seen = 0;
  f.must(f.store.save(record));
  const auto views = protocol::agent_views_from(body_of(f.as_owner("GET", "/api/agents"))).value();
  REQUIRE(views.size() == 2);
  CHECK(views[0].status == "dropped");
  CHECK(views[1].vm_name == "vm-b");
  CHECK(views[1].registered_at == "2026-09-21T14:13:20Z");
  CHECK(views[1].last_seen.empty());  // never, and not 1970
  CHECK(views[1].kid == record.signing_key.kid());
  CHECK(views[1].mrtd == to_hex(record.pins.report.mrtd));
  const std::vector<std::string> extras{"web.dd-test-agent-b.dd.example", "db.dd-test-agent-b.dd.example"};
  CHECK(views[1].extra_hostnames == extras);
}

TEST_CASE("the policy in force is shown as it would be written") {
  Room f;
  CHECK(body_of(f.as_owner("GET", "/api/policy")) == f.policy.to_json_value());
}

TEST_CASE("revoking drops the agent and denies its key, with who and why") {
  Room f;
  Vm vm(f);
  vm.join();
  const auto answer = f.as_owner("POST", "/api/agents/" + vm.agent_id + "/revoke", R"({"reason":"lost"})");
  CHECK(body_of(answer).at("status") == "dropped");
  CHECK(f.kept(vm.agent_id).status == AgentStatus::dropped);
  CHECK(f.kept(vm.agent_id).reason == "revoked by octo: lost");
  CHECK(f.store.is_denied(vm.signing.public_key().kid()));
  CHECK(f.tunnels.names.empty());
  SUBCASE("and again it is fine") {
    CHECK(f.as_owner("POST", "/api/agents/" + vm.agent_id + "/revoke").has_value());
    CHECK(f.kept(vm.agent_id).reason == "revoked by octo: lost");
  }
}

TEST_CASE("a dropped agent can still be revoked: its key must not come back") {
  Room f;
  keep(f, AgentStatus::dropped, "a");
  CHECK(f.as_owner("POST", "/api/agents/a/revoke").has_value());
  CHECK(f.store.is_denied(f.store.find("a")->signing_key.kid()));
}

TEST_CASE("a revocation holds although Cloudflare does not answer") {
  Room f;
  Vm vm(f);
  vm.join();
  f.tunnels.failing = {"remove"};
  const auto answer = f.as_owner("POST", "/api/agents/" + vm.agent_id + "/revoke");
  check_error_at(answer, ErrorCode::unavailable);
  CHECK(answer.error().message.starts_with("cannot "));
  CHECK(f.store.is_denied(vm.signing.public_key().kid()));
  CHECK(f.kept(vm.agent_id).status == AgentStatus::dropping);
  f.tunnels.failing.clear();
  f.run(f.poller.round());
  CHECK(f.kept(vm.agent_id).status == AgentStatus::dropped);
}

TEST_CASE("a revocation that is not understood or not durable revokes nothing") {
  Room f;
  keep(f, AgentStatus::healthy, "a");
  check_error_at(f.as_owner("POST", "/api/agents/b/revoke"), ErrorCode::not_found);
  check_error_at(f.as_owner("POST", "/api/agents/a/revoke", "{"), ErrorCode::malformed);
  check_error_at(f.as_owner("POST", "/api/agents/a/revoke", "[]"), ErrorCode::malformed, "$");
  check_error_at(f.as_owner("POST", "/api/agents/a/revoke", R"({"reason":7})"), ErrorCode::malformed, "$.reason");
  const auto long_reason = R"({"reason":")" + std::string(513, 'x') + "\"}";
  check_error_at(f.as_owner("POST", "/api/agents/a/revoke", long_reason), ErrorCode::invalid_argument, "$.reason");
  f.registry->read_only = Error{ErrorCode::unavailable, "cannot write the registry: disk full", {}, {}};
  check_error_at(f.as_owner("POST", "/api/agents/a/revoke"), ErrorCode::unavailable);
  CHECK(f.kept("a").status == AgentStatus::healthy);
  CHECK_FALSE(f.store.is_denied(f.store.find("a")->signing_key.kid()));
}

TEST_CASE("an invitation is a ticket of the control plane for 15 minutes") {
  Room f;
  const auto answer = f.as_owner("POST", "/api/invites");
  CHECK(body_of(answer).at("expires_at") == f.clock.unix_seconds() + 900);
  const auto ticket = body_of(answer).at("ticket").get<std::string>();
  const auto statement = crypto::parse_statement(ticket, crypto::kJoinTyp).value();
  const auto at = [&](std::int64_t seconds) {
    return crypto::StatementRule{crypto::kJoinTyp, kOrigin, crypto::Expiry::required, f.clock.unix_seconds() + seconds};
  };
  CHECK(crypto::verify_statement(statement, f.context.cp_key, at(899)).has_value());
  CHECK_FALSE(crypto::verify_statement(statement, f.context.cp_key, at(900)).has_value());
  CHECK_FALSE(ticket_claims(answer).contains("vm_name"));
  CHECK(ticket_claims(f.as_owner("POST", "/api/invites")).at("jti") != ticket_claims(answer).at("jti"));
}

TEST_CASE("an invitation names a VM only when it was asked to") {
  Room f;
  CHECK(ticket_claims(f.as_owner("POST", "/api/invites", R"({"vm_name":"vm-1"})")).at("vm_name") == "vm-1");
  CHECK_FALSE(ticket_claims(f.as_owner("POST", "/api/invites", R"({"vm_name":null})")).contains("vm_name"));
  CHECK_FALSE(ticket_claims(f.as_owner("POST", "/api/invites", "{}")).contains("vm_name"));
  // An empty name must not become a ticket for any VM.
  for (const std::string body : {R"({"vm_name":""})", R"({"vm_name":"VM 1"})", R"({"vm_name":"-"})"}) {
    CAPTURE(body);
    check_error_at(f.as_owner("POST", "/api/invites", body), ErrorCode::invalid_argument, "$.vm_name");
  }
  check_error_at(f.as_owner("POST", "/api/invites", R"({"vm_name":["vm-1"]})"), ErrorCode::malformed, "$.vm_name");
}
