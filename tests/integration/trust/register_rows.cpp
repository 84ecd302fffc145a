// The attack table, registrations: each row is refused for its own reason, and nothing exists afterwards.
#include <doctest/doctest.h>

#include "libdd/crypto/hpke.hpp"
#include "libdd/crypto/statement.hpp"
#include "tests/integration/trust/test_agent.hpp"

using namespace dd;
using namespace dd::trust;

namespace {

/// One control plane for all rows: a refused registration must leave no trace that another row could see.
TrustFleet& fleet() {
  static TrustFleet instance;
  return instance;
}

void check_refused(const Answer& answer, int status, const std::string& reason,
                   const std::set<std::string>& tunnels_before) {
  CAPTURE(answer.message);
  CHECK(answer.status == status);
  CHECK(answer.reason == reason);
  CHECK(fleet().tunnels() == tunnels_before);
}

}  // namespace

TEST_CASE("an honest agent is accepted") {
  TestAgent agent(fleet(), {.vm_name = "honest"});
  agent.join();
  CHECK(fleet().tunnels().contains(agent.agent_id()));
  CHECK(fleet().hostnames().contains(agent.answer().at("hostname").get<std::string>()));
}

TEST_CASE("a replayed token proves nothing for another nonce") {
  TestAgent agent(fleet(), {.vm_name = "replayer"});
  const auto before = fleet().tunnels();
  const auto old = agent.prepare();
  auto claims = agent.prepare();
  claims["ita_token"] = old.at("ita_token");
  check_refused(agent.submit(claims, fleet().ticket()), 403, "report_data_mismatch", before);
}

TEST_CASE("another agent's token proves nothing for this one") {
  TestAgent victim(fleet(), {.vm_name = "victim"});
  TestAgent thief(fleet(), {.vm_name = "thief"});
  const auto before = fleet().tunnels();
  auto claims = thief.prepare();
  claims["ita_token"] = victim.prepare().at("ita_token");
  check_refused(thief.submit(claims, fleet().ticket()), 403, "report_data_mismatch", before);
}

TEST_CASE("a nonce is spent by its first use with a good credential, also by one that failed") {
  TestAgent agent(fleet(), {.vm_name = "twice"});
  const auto before = fleet().tunnels();
  const auto claims = agent.prepare();
  auto wrong = claims;
  wrong["env_label"] = "elsewhere";
  CHECK(agent.submit(wrong, fleet().ticket()).status == 403);
  check_refused(agent.submit(claims, fleet().ticket()), 401, "nonce_spent", before);
}

TEST_CASE("a nonce that this fleet did not make is refused") {
  TestAgent agent(fleet(), {.vm_name = "forger"});
  const auto before = fleet().tunnels();
  auto nonce = agent.challenge();
  nonce[0] ^= std::byte{1};  // an older time under the same MAC
  check_refused(agent.submit(agent.prepare_for(nonce), fleet().ticket()), 401, "nonce_invalid", before);
}

TEST_CASE("a nonce of another control plane is refused") {
  static TrustFleet other;
  TestAgent lured(other, {.vm_name = "lured"});
  TestAgent agent(fleet(), {.vm_name = "relayed"});
  const auto before = fleet().tunnels();
  check_refused(agent.submit(agent.prepare_for(lured.challenge()), fleet().ticket()), 401, "nonce_invalid", before);
}

TEST_CASE("evidence made for another control plane is refused although its nonce was relayed") {
  TestAgent agent(fleet(), {.vm_name = "relay"});
  const auto before = fleet().tunnels();
  auto claims = agent.prepare();
  claims["aud"] = "https://evil.example.com";
  check_refused(agent.submit(claims, fleet().ticket()), 401, "signature_invalid", before);
}

TEST_CASE("a register body altered after signing is refused") {
  TestAgent agent(fleet(), {.vm_name = "altered"});
  const auto before = fleet().tunnels();
  auto statement = crypto::sign_jws(agent.signing_key(), crypto::kRegisterTyp, agent.prepare());
  const auto last = statement.rfind('.');
  statement[last + 5] = statement[last + 5] == 'A' ? 'B' : 'A';
  check_refused(agent.submit_signed(statement, fleet().ticket()), 401, "signature_invalid", before);
}

TEST_CASE("a register body altered before signing does not fit its quote") {
  TestAgent agent(fleet(), {.vm_name = "bent"});
  const auto before = fleet().tunnels();
  auto claims = agent.prepare();
  claims["agent_port"] = claims.at("agent_port").get<int>() ^ 1;
  check_refused(agent.submit(claims, fleet().ticket()), 403, "report_data_mismatch", before);
}

TEST_CASE("a statement signed by another key than the registered one is refused") {
  TestAgent agent(fleet(), {.vm_name = "two-keys"});
  TestAgent other(fleet(), {.vm_name = "two-keys"});
  const auto before = fleet().tunnels();
  const auto statement = crypto::sign_jws(other.signing_key(), crypto::kRegisterTyp, agent.prepare());
  check_refused(agent.submit_signed(statement, fleet().ticket()), 401, "signature_invalid", before);
}

TEST_CASE("another agent binary under the same MRTD is refused by its digest in the log") {
  TestAgent agent(fleet(), {.vm_name = "swapped",
                            .agent_digest = "sha256:00000000000000000000000000000000000000000000000000000000000000bb"});
  const auto before = fleet().tunnels();
  const auto answer = agent.submit(agent.prepare(), fleet().ticket());
  check_refused(answer, 403, "policy_refused", before);
  CHECK(answer.message.find("agent_digest") != std::string::npos);
}

TEST_CASE("a VM booted for another control plane is refused by its log") {
  TestAgent agent(fleet(), {.vm_name = "astray", .origin = "https://elsewhere.example.com"});
  const auto before = fleet().tunnels();
  check_refused(agent.submit(agent.prepare(), fleet().ticket()), 403, "policy_refused", before);
}

TEST_CASE("a VM told to ask somebody else who its owner is is refused by its log") {
  TestAgent agent(fleet(), {.vm_name = "misled", .github_api_url = "https://github.evil.example"});
  const auto before = fleet().tunnels();
  const auto answer = agent.submit(agent.prepare(), fleet().ticket());
  check_refused(answer, 403, "policy_refused", before);
  CHECK(answer.message.find("trust_settings is DD_GITHUB_API_URL=https://github.evil.example") != std::string::npos);
}

TEST_CASE("other boot measurements are refused") {
  auto measured = fleet().measurements();
  measured.rtmr[1][0] ^= std::byte{1};
  TestAgent agent(fleet(), {.vm_name = "other-kernel", .measurements = measured, .own_measurements = true});
  const auto before = fleet().tunnels();
  check_refused(agent.submit(agent.prepare(), fleet().ticket()), 403, "policy_refused", before);
}

TEST_CASE("an event log that was cut, reordered or extended does not replay") {
  TestAgent agent(fleet(), {.vm_name = "liar"});
  const auto before = fleet().tunnels();
  SUBCASE("cut at its end") {
    auto claims = agent.prepare();
    claims["event_log"].erase(2);
    claims["quoted_events"] = 2;
    check_refused(agent.submit(claims, fleet().ticket()), 403, "report_data_mismatch", before);
  }
  SUBCASE("cut, with the old count") {
    auto claims = agent.prepare();
    claims["event_log"].erase(2);
    const auto answer = agent.submit(claims, fleet().ticket());
    CHECK(answer.status == 400);
    CHECK(answer.path == "$.registration.quoted_events");
  }
  SUBCASE("reordered") {
    auto claims = agent.prepare();
    std::swap(claims["event_log"][1], claims["event_log"][2]);
    std::swap(claims["event_log"][1]["index"], claims["event_log"][2]["index"]);
    check_refused(agent.submit(claims, fleet().ticket()), 403, "report_data_mismatch", before);
  }
  SUBCASE("extended with a false event") {
    auto claims = agent.prepare();
    claims["event_log"].push_back({{"index", 3}, {"type", "stop"}, {"id", "x"}, {"app_name", "x"}});
    claims["quoted_events"] = 4;
    check_refused(agent.submit(claims, fleet().ticket()), 403, "report_data_mismatch", before);
  }
  SUBCASE("one event altered") {
    auto claims = agent.prepare();
    claims["event_log"][2]["digest"] = kAgentDigest;
    claims["event_log"][2]["privileged"] = true;
    check_refused(agent.submit(claims, fleet().ticket()), 403, "report_data_mismatch", before);
  }
}

TEST_CASE("whoever relays the answer does not get the tunnel token") {
  TestAgent agent(fleet(), {.vm_name = "sealed"});
  agent.join();
  const auto sealed = from_base64url(agent.answer().at("tunnel_token_sealed").get<std::string>()).value();
  TestAgent relay(fleet(), {.vm_name = "relay-2"});
  const auto info = as_bytes(kRegisterTag);
  CHECK(crypto::hpke_open(agent.sealing_key(), info, as_bytes(agent.agent_id()), sealed).has_value());
  CHECK_FALSE(crypto::hpke_open(relay.sealing_key(), info, as_bytes(agent.agent_id()), sealed).has_value());
  CHECK_FALSE(crypto::hpke_open(agent.sealing_key(), info, as_bytes("another-agent"), sealed).has_value());
  const auto token =
      std::string(as_text(crypto::hpke_open(agent.sealing_key(), info, as_bytes(agent.agent_id()), sealed).value()));
  CHECK(agent.answer().dump().find(token) == std::string::npos);
}

TEST_CASE("a stranger's PAT is no join credential, although it reads the owner's public repository") {
  TestAgent agent(fleet(), {.vm_name = "stranger"});
  const auto before = fleet().tunnels();
  const auto answer = agent.submit(agent.prepare(), kStrangerPat);
  check_refused(answer, 401, "join_credential_invalid", before);
  CHECK(answer.message.find(kStrangerPat) == std::string::npos);
}

TEST_CASE("a stranger's PAT opens no owner's page") {
  for (const char* path : {"/api/agents", "/api/policy"}) {
    HttpRequest request;
    request.url = fleet().origin() + path;
    request.headers.set("Authorization", std::string("Bearer ") + kStrangerPat);
    CHECK(ask(fleet().transport(), std::move(request)).status == 403);
  }
}

TEST_CASE("the owner's PAT is a join credential") {
  TestAgent agent(fleet(), {.vm_name = "by-pat"});
  CHECK(agent.submit(agent.prepare(), std::string(fleet().services().owner_pat().reveal())).status == 200);
}

TEST_CASE("a join ticket belongs to the first key that shows it") {
  const auto ticket = fleet().ticket();
  TestAgent first(fleet(), {.vm_name = "first-key"});
  CHECK(first.submit(first.prepare(), ticket).status == 200);
  TestAgent second(fleet(), {.vm_name = "second-key"});
  const auto before = fleet().tunnels();
  check_refused(second.submit(second.prepare(), ticket), 401, "join_credential_invalid", before);
}

TEST_CASE("a join ticket for one VM name is no good for another") {
  TestAgent agent(fleet(), {.vm_name = "not-invited"});
  const auto before = fleet().tunnels();
  check_refused(agent.submit(agent.prepare(), fleet().ticket("invited")), 401, "join_credential_invalid", before);
}

TEST_CASE("the same key registers again without a new tunnel") {
  TestAgent agent(fleet(), {.vm_name = "again"});
  agent.join();
  const auto id = agent.agent_id();
  const auto before = fleet().tunnels();
  agent.join();
  CHECK(agent.agent_id() == id);
  CHECK(fleet().tunnels() == before);
}

TEST_CASE("a revoked key may never register again") {
  TestAgent agent(fleet(), {.vm_name = "revoked"});
  agent.join();
  CHECK(fleet().as_owner("POST", "/api/agents/" + agent.agent_id() + "/revoke").status == 200);
  const auto before = fleet().tunnels();
  CHECK_FALSE(before.contains(agent.agent_id()));
  check_refused(agent.submit(agent.prepare(), fleet().ticket()), 403, "revoked", before);
}

TEST_CASE("a malformed registration is 400 with the path of the field") {
  TestAgent agent(fleet(), {.vm_name = "malformed"});
  const auto good = agent.prepare();
  const auto before = fleet().tunnels();
  int rows = 0;
  for (const auto& [name, value] : good.items()) {
    if (name == "aud" || name == "iat") continue;
    for (const Json& bad : {Json(), Json(-1), Json(Json::array({1})), Json("\x01")}) {
      auto claims = good;
      claims[name] = bad;
      agent.take_challenge();
      const auto answer = agent.submit(claims, fleet().ticket());
      CAPTURE(name);
      CAPTURE(bad.dump());
      // A token of the right shape is judged by its verifier, an empty extra list is none at all.
      if (answer.status != 400 && (name == "ita_token" || name == "extra_ingress" || name == "owner")) continue;
      CHECK(answer.status == 400);
      CHECK(answer.path.starts_with("$.registration"));
      ++rows;
    }
  }
  CHECK(rows >= 40);
  CHECK(fleet().tunnels() == before);
  TestAgent after(fleet(), {.vm_name = "after-malformed"});
  after.join();
}

TEST_CASE("simulated evidence is refused by a control plane that was not started for it") {
  const Settings settings = {{"DD_ACCEPT_SIMULATED", "false"}};
  TrustFleet strict(settings);
  TestAgent agent(strict, {.vm_name = "simulated"});
  const auto answer = agent.submit(agent.prepare(), strict.ticket());
  CHECK(answer.status == 401);
  CHECK(answer.reason == "token_invalid");
  CHECK(strict.tunnels().empty());
}

TEST_CASE("a control plane without a policy does not start") {
  const auto origin = "http://127.0.0.1:" + std::to_string(free_port());
  auto settings = cp_settings(fleet().services(), origin, "", "/tmp");
  CHECK(failed_start(settings).find("DD_POLICY") != std::string::npos);
  const TempDir folder;
  const auto open = folder.write("policy.json", R"({"version":1,"rules":{}})");
  const auto said = failed_start(cp_settings(fleet().services(), origin, open.string(), folder.path().string()));
  CHECK(said.find("$.rules") != std::string::npos);
}
