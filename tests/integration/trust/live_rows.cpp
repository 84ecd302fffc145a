// The attack table after registration: signed calls, and what polls find.
#include <doctest/doctest.h>

#include "libdd/core/json.hpp"
#include "tests/integration/trust/test_agent.hpp"

using namespace dd;
using namespace dd::trust;

namespace {

TrustFleet& fleet() {
  static TrustFleet instance;
  return instance;
}

std::string ingress_of(const std::string& agent_id) {
  return to_text(Json{{"agent_id", agent_id}, {"extras", {{{"hostname_label", "web"}, {"port", 8000}}}}});
}

constexpr const char* kPath = "/ingress/replace";

/// Joined, polled and found healthy.
std::unique_ptr<TestAgent> healthy_agent(const TrustFleet& where, const std::string& vm_name,
                                         TestAgent::Bend bend = {}) {
  auto agent = std::make_unique<TestAgent>(where, AgentShape{.vm_name = vm_name});
  agent->join();
  agent->serve(std::move(bend));
  return agent;
}

void check_dropped(const TrustFleet& where, const TestAgent& agent, const std::string& why) {
  const auto row = where.wait_for(agent.agent_id(), "dropped");
  CAPTURE(row.at("reason").get<std::string>());
  CHECK(row.at("reason").get<std::string>().find(why) != std::string::npos);
  CHECK_FALSE(where.tunnels().contains(agent.agent_id()));
  CHECK_FALSE(where.hostnames().contains(agent.answer().at("hostname").get<std::string>()));
}

}  // namespace

TEST_CASE("a signed call changes its own agent's ingress") {
  const auto served = healthy_agent(fleet(), "caller");
  auto& agent = *served;
  const auto body = ingress_of(agent.agent_id());
  const auto seq = agent.next_seq();
  const auto answer = agent.call(agent.agent_id(), kPath, body, body, seq);
  CHECK(answer.status == 200);
  CHECK(fleet().hostnames().contains("web." + agent.answer().at("hostname").get<std::string>()));

  SUBCASE("and is refused when it is replayed") {
    const auto again = agent.call(agent.agent_id(), kPath, body, body, seq);
    CHECK(again.status == 401);
    CHECK(again.reason == "replayed");
  }
  SUBCASE("and is refused for another path") {
    const auto other = agent.call(agent.agent_id(), "/ingress/elsewhere", body, body, agent.next_seq());
    CHECK(other.status == 401);
    CHECK(other.reason == "signature_invalid");
  }
  SUBCASE("and is refused with another body") {
    const auto other = agent.call(agent.agent_id(), kPath, body, body + " ", agent.next_seq());
    CHECK(other.status == 401);
    CHECK(other.reason == "signature_invalid");
  }
  SUBCASE("and is refused for an agent that does not exist") {
    const auto other =
        agent.call("dd-local-agent-00000000-0000-4000-8000-000000000000", kPath, body, body, agent.next_seq());
    CHECK(other.status == 404);
    CHECK(other.reason == "agent_unknown");
  }
}

TEST_CASE("an agent cannot speak for another") {
  TestAgent victim(fleet(), {.vm_name = "spoken-for"});
  victim.join();
  TestAgent attacker(fleet(), {.vm_name = "speaker"});
  attacker.join();
  const auto body = ingress_of(victim.agent_id());
  SUBCASE("by naming it as the signer") {
    const auto answer = attacker.call(victim.agent_id(), kPath, body, body, attacker.next_seq());
    CHECK(answer.status == 401);
    CHECK(answer.reason == "signature_invalid");
  }
  SUBCASE("by naming it in the body") {
    CHECK(attacker.call(attacker.agent_id(), kPath, body, body, attacker.next_seq()).status == 403);
  }
  CHECK_FALSE(fleet().hostnames().contains("web." + victim.answer().at("hostname").get<std::string>()));
}

TEST_CASE("a call without a signature is refused before its body is read") {
  HttpRequest request;
  request.method = "POST";
  request.url = fleet().origin() + kPath;
  request.body = "not even JSON";
  CHECK(ask(fleet().transport(), std::move(request)).status == 401);
}

TEST_CASE("an agent that proves itself stays healthy") {
  const auto agent = healthy_agent(fleet(), "steady");
  const auto row = fleet().wait_for(agent->agent_id(), "healthy");
  CHECK(row.at("simulated") == true);
}

TEST_CASE("a key swapped after registration is dropped") {
  const auto agent = healthy_agent(fleet(), "key-swap");
  agent->swap_key();
  check_dropped(fleet(), *agent, "proof");
}

TEST_CASE("a health answer that was altered on the way is dropped") {
  const auto agent = healthy_agent(fleet(), "altered-answer",
                                   [](net::ServerResponse& response, protocol::ProofClaims&) { response.body += " "; });
  check_dropped(fleet(), *agent, "body");
}

TEST_CASE("a proof over another nonce is dropped") {
  const auto agent = healthy_agent(
      fleet(), "old-proof", [](net::ServerResponse&, protocol::ProofClaims& proof) { proof.nonce[0] ^= std::byte{1}; });
  check_dropped(fleet(), *agent, "another challenge");
}

TEST_CASE("a proof whose number was used before is dropped") {
  const auto agent = healthy_agent(fleet(), "replayed-proof",
                                   [](net::ServerResponse&, protocol::ProofClaims& proof) { proof.seq = 7; });
  check_dropped(fleet(), *agent, "call number 7");
}

TEST_CASE("measurements that drift are dropped by name") {
  const auto agent = healthy_agent(fleet(), "drifter");
  auto measured = fleet().measurements();
  measured.rtmr[0][0] ^= std::byte{1};
  agent->drift_to(measured);
  check_dropped(fleet(), *agent, "rtmr0");
}

TEST_CASE("a second VM gets a live name only when its holder cannot prove itself") {
  const auto holder = healthy_agent(fleet(), "coveted");
  fleet().wait_for(holder->agent_id(), "healthy");
  TestAgent newcomer(fleet(), {.vm_name = "coveted"});
  const auto refused = newcomer.submit(newcomer.prepare(), fleet().ticket());
  CHECK(refused.status == 409);
  CHECK(refused.reason == "name_held");
  CHECK(fleet().tunnels().contains(holder->agent_id()));

  holder->vanish();
  newcomer.join();
  CHECK(newcomer.agent_id() != holder->agent_id());
  CHECK_FALSE(fleet().tunnels().contains(holder->agent_id()));
}

TEST_CASE("an agent whose token expires is quarantined, then deleted") {
  const Settings settings = {{"DD_TOKEN_LEEWAY", "2s"}, {"DD_DELETE_AFTER", "2s"}};
  TrustFleet brief(settings, 3);
  const auto agent = healthy_agent(brief, "expiring");
  const auto body = ingress_of(agent->agent_id());
  // On a busy machine its time can be over before it has called, and it can be silent for some polls before it serves.
  const auto called = agent->call(agent->agent_id(), kPath, body, body, agent->next_seq());
  CAPTURE(called.message);
  CHECK((called.status == 200 || called.reason == "agent_unknown"));
  check_dropped(brief, *agent, "not back after quarantine: expired");
  const auto log = brief.log();
  CAPTURE(log);
  CHECK(log.find("agent quarantined") < log.find("agent dropped"));
}

TEST_CASE("an agent that falls silent is quarantined and taken back when it answers") {
  TrustFleet patient;
  TestAgent agent(patient, {.vm_name = "silent"});
  agent.join();
  patient.wait_for(agent.agent_id(), "quarantined");
  agent.serve();
  patient.wait_for(agent.agent_id(), "healthy");
}
