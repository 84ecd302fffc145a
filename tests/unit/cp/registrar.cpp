// POST /register: failures on the way, the order of checks, and who gets a name. The attack table itself is in
// tests/integration/trust/register_rows.cpp.
#include "libdd/cp/registrar.hpp"

#include <doctest/doctest.h>

#include "libdd/crypto/hpke.hpp"
#include "tests/support/check_error.hpp"
#include "tests/unit/cp/registering.hpp"
#include "tests/unit/cp/vm.hpp"

using namespace dd;
using namespace dd::cp;
using namespace dd::test;

namespace {

/// Of a token that was good until 100 seconds ago.
Json run_out(const Clock& clock) {
  const auto now = clock.unix_seconds();
  return {{"iat", now - 200}, {"nbf", now - 200}, {"exp", now - 100}};
}

}  // namespace

TEST_CASE("the answer holds everything that an agent needs, the run token sealed to its key") {
  ControlPlaneOptions options;
  options.poll_interval = std::chrono::milliseconds(1'500);
  options.refresh_interval = std::chrono::milliseconds(900);
  Room f(std::move(options));
  Vm vm(f);
  vm.extras = {{"web", 8000, ServiceProtocol::http}};
  const auto answer = protocol::register_answer_from(body_of(register_with(f, vm, kOwnerPat))).value();
  CHECK(answer.hostname == answer.agent_id + ".dd.example");
  CHECK(answer.cp_hostname == "app.dd.example");
  CHECK(answer.cp_key == f.context.cp_key);
  CHECK(answer.extra_hostnames == std::vector<std::string>{"web." + answer.hostname});
  CHECK(answer.poll_interval_secs == 2);  // never sooner than it is polled
  CHECK(answer.refresh_secs == 1);        // never 0
  const auto token =
      crypto::hpke_open(vm.sealing, as_bytes(kRegisterTag), as_bytes(answer.agent_id), answer.tunnel_token_sealed);
  CHECK(as_text(token.value()) == "token of " + answer.agent_id);
}

TEST_CASE("a challenge is good for 120 seconds, and for its purpose only") {
  Room f;
  Vm vm(f);
  const auto challenge = protocol::challenge_answer_from(body_of(f.ask("POST", "/register/challenge"))).value();
  CHECK(challenge.expires_in == 120);
  const auto claims = vm.claims_for(challenge.nonce);
  SUBCASE("in time") {
    f.clock.advance(std::chrono::seconds(120));
    CHECK(vm.submit(claims).has_value());
  }
  SUBCASE("late") {
    f.clock.advance(std::chrono::milliseconds(120'001));
    check_error(vm.submit(claims), ErrorCode::unauthenticated, "nonce_expired");
  }
  SUBCASE("of a poll") {
    check_error(vm.submit(vm.claims_for(f.nonces.for_poll("dd-test-agent-0"))), ErrorCode::unauthenticated,
                "nonce_invalid");
  }
}

TEST_CASE("checks come in the order of the page: the first fault decides the answer") {
  Room f;
  Vm vm(f);
  auto claims = vm.claims_for(f.nonces.for_register(), run_out(f.clock));
  claims.env_label = "prod";
  claims.owner = "stranger";
  auto again = claims;
  again.nonce = Digest256{};
  check_error(vm.submit(again, "ghp_nobody"), ErrorCode::unauthenticated, "nonce_invalid");
  check_error(vm.submit(claims, "ghp_nobody"), ErrorCode::unauthenticated, "join_credential_invalid");
  claims.nonce = f.nonces.for_register();
  check_error(vm.submit(claims), ErrorCode::permission_denied, "owner_mismatch");
  claims.nonce = f.nonces.for_register();
  claims.owner = "octo";
  check_error(vm.submit(claims), ErrorCode::permission_denied, "env_mismatch");
  claims.nonce = f.nonces.for_register();
  claims.env_label = "test";
  check_error(vm.submit(claims), ErrorCode::unauthenticated, "token_expired");
  CHECK(f.tunnels.calls.empty());
  CHECK(f.store.all().empty());
}

TEST_CASE("a credential that cannot be checked now is no refusal") {
  Room f;
  Vm vm(f);
  const auto invited = ticket(f);
  f.clock.advance(std::chrono::seconds(301));  // the owner's PAT is not remembered any more
  f.github.set_outage(fail(ErrorCode::unavailable, "cannot connect"));
  check_error(register_with(f, vm, kOwnerPat), ErrorCode::unavailable, "");
  CHECK(register_with(f, vm, invited).has_value());

  // Nor is it one of a key that had the name before: who is asked again later may well be let in.
  f.github.reset();
  Vm newcomer(f);
  auto gone = *f.store.find_live(vm.vm_name);
  gone.status = AgentStatus::dropped;
  f.must(f.store.save(gone));
  REQUIRE(register_with(f, newcomer, kOwnerPat).has_value());
  f.clock.advance(std::chrono::seconds(301));
  f.github.set_outage(fail(ErrorCode::unavailable, "cannot connect"));
  check_error(register_with(f, vm, kOwnerPat), ErrorCode::unavailable, "");
  f.github.reset();
  check_error(register_with(f, vm, "ghp_nobody"), ErrorCode::conflict, "name_held");
}

TEST_CASE("a live key renews without a credential that is still good, and only for its own name") {
  Room f;
  Vm vm(f);
  const auto used = ticket(f);
  REQUIRE(register_with(f, vm, used).has_value());
  f.clock.advance(std::chrono::hours(24));
  CHECK(register_with(f, vm, used).has_value());
  CHECK(register_with(f, vm, "anything").has_value());
  vm.vm_name = "vm-2";
  check_error(register_with(f, vm, used), ErrorCode::unauthenticated, "join_credential_invalid");
}

namespace {

/// Registers and is then deleted, silent for too long.
void fall_silent(Room& f, Vm& vm) {
  vm.vanish();
  auto record = f.kept(vm.agent_id);
  record.status = AgentStatus::quarantined;
  record.quarantined_at = f.clock.unix_seconds();
  f.must(f.store.save(record));
  f.clock.advance(f.options.delete_after);
  f.run(f.poller.round());
  REQUIRE(f.kept(vm.agent_id).status == AgentStatus::dropped);
}

}  // namespace

TEST_CASE("a key that was deleted for its silence comes back without a new credential, as who it was") {
  Room f;
  Vm vm(f);
  vm.join();
  fall_silent(f, vm);
  CHECK_FALSE(f.tunnels.names.contains(vm.agent_id));
  std::string credential = "used-up";
  SUBCASE("soon") {}
  SUBCASE("as late as it may") { f.clock.advance(std::chrono::hours(720)); }
  SUBCASE("while its tunnel is still being removed") {
    auto record = f.kept(vm.agent_id);
    record.status = AgentStatus::dropping;
    record.tunnel_id = FakeTunnels::id_of(vm.agent_id);
    f.tunnels.names.insert(vm.agent_id);
    f.must(f.store.save(record));
    f.tunnels.calls.clear();
  }
  const bool half_gone = f.kept(vm.agent_id).status == AgentStatus::dropping;
  const auto used = f.kept(vm.agent_id).seq_high;
  const auto answer = register_with(f, vm, credential);
  REQUIRE_MESSAGE(answer.has_value(), answer.error().message);
  const auto again = f.kept(vm.agent_id);
  CHECK(body_of(answer).at("agent_id") == vm.agent_id);
  CHECK(body_of(answer).at("hostname") == vm.hostname);
  CHECK(again.status == AgentStatus::healthy);
  CHECK(again.reason.empty());
  CHECK(again.seq_high == used);
  CHECK_FALSE(again.renewable);
  if (half_gone) CHECK(f.tunnels.calls.front() == "remove");
  CHECK(f.tunnels.names.size() == 1);
  CHECK(f.tunnels.routed(vm.agent_id) == std::vector<std::string>{vm.hostname});
  vm.serve();
  f.run(f.poller.round());
  CHECK(f.kept(vm.agent_id).status == AgentStatus::healthy);
}

TEST_CASE("who may not come back without a new credential") {
  Room f;
  Vm vm(f);
  vm.join();
  SUBCASE("after too long") {
    fall_silent(f, vm);
    f.clock.advance(std::chrono::hours(720) + std::chrono::seconds(1));
    check_error(register_with(f, vm, "used-up"), ErrorCode::unauthenticated, "join_credential_invalid");
  }
  SUBCASE("under another name") {
    fall_silent(f, vm);
    vm.vm_name = "vm-2";
    check_error(register_with(f, vm, "used-up"), ErrorCode::unauthenticated, "join_credential_invalid");
  }
  SUBCASE("another key") {
    fall_silent(f, vm);
    Vm other(f);
    check_error(register_with(f, other, "used-up"), ErrorCode::unauthenticated, "join_credential_invalid");
  }
  SUBCASE("revoked after it was deleted") {
    fall_silent(f, vm);
    REQUIRE(f.as_owner("POST", "/api/agents/" + vm.agent_id + "/revoke", "{}").has_value());
    check_error(register_with(f, vm, "used-up"), ErrorCode::permission_denied, "revoked");
    check_error(register_with(f, vm, kOwnerPat), ErrorCode::permission_denied, "revoked");
  }
  SUBCASE("dropped because a poll was refused") {
    vm.seq = -1;
    f.run(f.poller.round());
    vm.seq = -1;
    f.run(f.poller.round());
    REQUIRE(f.kept(vm.agent_id).status == AgentStatus::dropped);
    check_error(register_with(f, vm, "used-up"), ErrorCode::unauthenticated, "join_credential_invalid");
  }
  SUBCASE("measured anew, and then never again") {
    fall_silent(f, vm);
    const Json other = {{"tdx_rtmr1", std::string(96, 'f')}};
    check_error(register_with(f, vm, "used-up", other), ErrorCode::permission_denied, "policy_refused");
    check_error(register_with(f, vm, "used-up"), ErrorCode::unauthenticated, "join_credential_invalid");
  }
  CHECK(f.kept(vm.agent_id).status == AgentStatus::dropped);
  CHECK(f.tunnels.names.empty());
}

TEST_CASE("who comes back takes its name from nobody, not even from a silent one") {
  Room f;
  Vm vm(f);
  vm.join();
  fall_silent(f, vm);
  Vm holder(f);
  holder.join();
  holder.vanish();
  const auto polls = holder.polls;
  check_error(register_with(f, vm, "used-up"), ErrorCode::conflict, "name_held");
  CHECK(holder.polls == polls);
  CHECK(f.kept(holder.agent_id).status == AgentStatus::healthy);
  CHECK(register_with(f, vm, kOwnerPat).has_value());  // with a new credential the silent one is asked, and goes
}

TEST_CASE("a newcomer ends the right of whoever had its name before") {
  Room f;
  Vm vm(f);
  vm.join();
  fall_silent(f, vm);
  Vm holder(f);
  holder.join();
  REQUIRE(f.as_owner("POST", "/api/agents/" + holder.agent_id + "/revoke", "{}").has_value());
  check_error(register_with(f, vm, "used-up"), ErrorCode::unauthenticated, "join_credential_invalid");
}

TEST_CASE("of registrations without a credential at the same time none gets in by what another one has changed") {
  Room f;
  Vm vm(f);
  vm.join();
  SUBCASE("a live key") {}
  SUBCASE("one that comes back") { fall_silent(f, vm); }
  const Json drifted = {{"tdx_rtmr1", std::string(96, 'f')}};
  std::vector<RouteCall> calls;
  for (int i = 0; i < 3; ++i)
    calls.push_back(vm.registration(vm.claims_for(f.nonces.for_register(), drifted), "used-up"));
  std::vector<Error> refusals;
  CHECK(granted_of(f.io, f.router, std::move(calls), &refusals) == 0);
  CHECK(refusals.size() == 3);
  CHECK(f.kept(vm.agent_id).status == AgentStatus::dropped);
  CHECK(f.store.all().size() == 1);
  CHECK(f.tunnels.names.empty());
}

TEST_CASE("a return that fails half-way leaves no tunnel, and can be tried again") {
  Room f;
  Vm vm(f);
  vm.join();
  fall_silent(f, vm);
  f.tunnels.failing = {"run_token"};
  check_error(register_with(f, vm, "used-up"), ErrorCode::unavailable, "");
  CHECK(f.tunnels.names.empty());
  CHECK(f.kept(vm.agent_id).status == AgentStatus::dropped);
  f.tunnels.failing.clear();
  CHECK(register_with(f, vm, "used-up").has_value());
}

TEST_CASE("a revoked key does not register, whatever it shows") {
  Room f;
  Vm vm(f);
  vm.join();
  f.must(f.store.deny(vm.signing.public_key().kid(), "lost"));
  for (const auto& credential : {std::string(kOwnerPat), ticket(f)})
    check_error(register_with(f, vm, credential), ErrorCode::permission_denied, "revoked");
}

TEST_CASE("of two keys that register one name at the same time one gets it") {
  Room f;
  Vm one(f), two(f);
  std::vector<RouteCall> calls;
  for (auto* vm : {&one, &two}) calls.push_back(vm->registration(vm->claims_for(f.nonces.for_register())));
  const auto granted = granted_of(f.io, f.router, std::move(calls));
  std::size_t live = 0;
  for (const auto& record : f.store.all()) live += is_live(record.status) ? 1 : 0;
  CHECK(granted == 2);  // the first one does not answer its poll: the second takes the name over
  CHECK(live == 1);
  CHECK(f.tunnels.names.size() == 1);
}

TEST_CASE("of two first uses of one name at the same time the entry that stays is pinned to its own VM") {
  Room f;
  Vm one(f), two(f);
  const Json others = {{"tdx_mrtd", std::string(96, 'e')}};
  std::vector<RouteCall> calls = {one.registration(one.claims_for(f.nonces.for_register())),
                                  two.registration(two.claims_for(f.nonces.for_register(), others))};
  CHECK(granted_of(f.io, f.router, std::move(calls)) == 2);
  const auto* live = f.store.find_live("vm-1");
  REQUIRE(live != nullptr);
  const bool second = live->signing_key == two.signing.public_key();
  CHECK((to_hex(live->pins.report.mrtd) == std::string(96, 'e')) == second);
  // Whoever lost it is a first use again when it comes back, if the holder does not answer; and is pinned anew.
  auto& loser = second ? one : two;
  const auto& claims = second ? Json::object() : others;
  REQUIRE(register_with(f, loser, kOwnerPat, claims).has_value());
  CHECK((to_hex(f.store.find_live("vm-1")->pins.report.mrtd) == std::string(96, 'e')) == !second);
}

TEST_CASE("a name goes to a newcomer when its holder is silent, expired or refused, and not otherwise") {
  const struct {
    std::string name;
    std::function<void(Room&, Vm&)> fate;
    bool taken;
  } rows[] = {
      {"proven", [](Room&, Vm&) {}, false},
      {"silent", [](Room&, Vm& holder) { holder.vanish(); }, true},
      {"answers without a proof",
       [](Room& f, Vm& holder) {
         f.agents[holder.hostname] = [](const HttpRequest&) { return test::http_answer(200, "{}"); };
       },
       true},
      {"expired", [](Room& f, Vm&) { f.clock.advance(std::chrono::seconds(361)); }, true},
      {"refused", [](Room&, Vm& holder) { holder.bend_proof = [](protocol::ProofClaims& proof) { proof.nonce = {}; }; },
       true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Room f;
    Vm holder(f);
    holder.join();
    row.fate(f, holder);
    Vm newcomer(f);
    const auto answer = register_with(f, newcomer, kOwnerPat);
    REQUIRE(answer.has_value() == row.taken);
    CHECK(f.tunnels.names.size() == 1);
    if (row.taken) {
      CHECK(body_of(answer).at("agent_id") != holder.agent_id);
      CHECK(f.kept(holder.agent_id).status == AgentStatus::dropped);
      CHECK(f.kept(holder.agent_id).reason.starts_with("its name was taken over: "));
    } else {
      CHECK(answer.error().reason == "name_held");
      CHECK(f.kept(holder.agent_id).status == AgentStatus::healthy);
    }
  }
}

TEST_CASE("a name is not given away while its holder's tunnel cannot be removed, and then it is") {
  Room f;
  Vm holder(f);
  holder.join();
  holder.vanish();
  Vm newcomer(f);
  f.tunnels.failing = {"remove"};
  check_error(register_with(f, newcomer, kOwnerPat), ErrorCode::unavailable, "");
  CHECK(f.kept(holder.agent_id).status == AgentStatus::dropping);
  f.tunnels.failing.clear();
  CHECK(register_with(f, newcomer, kOwnerPat).has_value());
  CHECK(f.store.find_live("vm-1")->agent_id != holder.agent_id);
}

TEST_CASE("a registration that fails half-way leaves no agent and no tunnel") {
  for (const std::string step : {"ensure", "put_ingress", "put_dns", "run_token"}) {
    CAPTURE(step);
    Room f;
    Vm vm(f);
    f.tunnels.failing = {step};
    check_error(register_with(f, vm, kOwnerPat), ErrorCode::unavailable, "");
    CHECK(f.store.all().empty());
    CHECK(f.tunnels.names.empty());
    f.tunnels.failing.clear();
    CHECK(register_with(f, vm, kOwnerPat).has_value());
  }
}

TEST_CASE("a key that registers again with other measurements is dropped") {
  Room f;
  Vm vm(f);
  vm.join();
  const auto answer = register_with(f, vm, kOwnerPat, {{"tdx_rtmr1", std::string(96, 'f')}});
  check_error(answer, ErrorCode::permission_denied, "policy_refused");
  CHECK(answer.error().message.find("drift: rtmr1") != std::string::npos);
  CHECK(f.kept(vm.agent_id).status == AgentStatus::dropped);
}

TEST_CASE("a registration keeps the call numbers that its key has used") {
  Room f;
  Vm vm(f);
  vm.join();
  f.run(f.poller.round());
  f.run(f.poller.round());
  const auto used = f.kept(vm.agent_id).seq_high;
  REQUIRE(register_with(f, vm, kOwnerPat).has_value());
  CHECK(f.kept(vm.agent_id).seq_high == used);
  vm.seq = 0;
  f.run(f.poller.round());
  CHECK(f.kept(vm.agent_id).status == AgentStatus::dropped);
}

TEST_CASE("the embedder's own rule sees a candidate that passed every other, and can refuse it") {
  std::vector<std::string> seen;
  ControlPlaneOptions options;
  options.admission = [&seen](const Candidate& candidate) -> Result<void> {
    seen.push_back(candidate.vm_name + " of " + candidate.facts.owner);
    CHECK(candidate.verdict.accepted);
    if (candidate.vm_name == "vm-2") return fail(ErrorCode::conflict, "cannot admit vm-2: not on the list");
    return {};
  };
  Room f(std::move(options));
  Vm good(f);
  CHECK(register_with(f, good, kOwnerPat).has_value());
  Vm refused(f, "vm-2");
  const auto answer = register_with(f, refused, kOwnerPat);
  check_error(answer, ErrorCode::permission_denied, "admission_refused");
  CHECK(answer.error().message == "cannot admit vm-2: not on the list");
  Vm bad(f, "vm-3");
  check_error(register_with(f, bad, kOwnerPat, {{"attester_tcb_status", "OutOfDate"}}), ErrorCode::permission_denied,
              "policy_refused");
  CHECK(seen == std::vector<std::string>{"vm-1 of octo", "vm-2 of octo"});
  CHECK(f.tunnels.names.size() == 1);
}

TEST_CASE("an agent is not registered when that cannot be written down") {
  Room f;
  Vm vm(f);
  const auto claims = vm.claims_for(f.nonces.for_register());
  f.registry->read_only = Error{ErrorCode::unavailable, "cannot write the registry: disk full", {}, {}};
  check_error(vm.submit(claims), ErrorCode::unavailable, "");
  CHECK(f.tunnels.calls.empty());
}
