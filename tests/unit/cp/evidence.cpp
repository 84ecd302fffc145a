#include "libdd/cp/evidence.hpp"

#include <functional>

#include <doctest/doctest.h>

#include "tests/unit/cp/vm.hpp"

using namespace dd;
using namespace dd::cp;

namespace {

struct Evidence {
  Room room;
  Vm vm{room};
  Digest256 nonce = room.nonces.for_register();
  protocol::RegisterClaims claims = vm.claims_for(nonce);
  TdxClaims token = verified();

  TdxClaims verified() { return room.run(room.tokens.verify(claims.ita_token)).value(); }
  Result<Appraised> appraise() {
    const auto hashed = protocol::hashed_claims(protocol::to_json_value(claims)).value();
    return appraise_registration(claims, hashed, token, room.policy);
  }
  void check_refused(std::string_view reason, std::string_view word) {
    const auto appraised = appraise();
    REQUIRE_FALSE(appraised.has_value());
    CAPTURE(appraised.error().message);
    CHECK(appraised.error().code == ErrorCode::permission_denied);
    CHECK(appraised.error().reason == reason);
    CHECK(appraised.error().message.find(word) != std::string::npos);
  }
};

}  // namespace

TEST_CASE("good evidence gives the facts of its log and a verdict") {
  Evidence f;
  const auto appraised = f.appraise();
  REQUIRE(appraised.has_value());
  CHECK(appraised->verdict.accepted);
  CHECK(appraised->facts.owner_id == "42");
  CHECK(appraised->log.head() == f.vm.log.head());
}

TEST_CASE("the quote is made of this nonce, control plane, keys, event log and registration, and of no others") {
  using Claims = protocol::RegisterClaims;
  const struct {
    const char* name;
    std::function<void(Evidence&, Claims&)> bend;
  } cases[] = {
      {"another nonce", [](Evidence& f, Claims& c) { c.nonce = f.room.nonces.for_register(); }},
      {"another control plane", [](Evidence&, Claims& c) { c.audience = "https://evil.example"; }},
      {"another signing key", [](Evidence& f, Claims& c) { c.signing_key = Vm(f.room).signing.public_key(); }},
      {"another sealing key", [](Evidence& f, Claims& c) { c.sealing_key = Vm(f.room).sealing.public_key(); }},
      {"fewer events", [](Evidence&, Claims& c) { --c.quoted_events; }},
      {"another name", [](Evidence&, Claims& c) { c.vm_name = "vm-2"; }},
      {"another port", [](Evidence&, Claims& c) { c.agent_port = 1; }},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    Evidence f;
    c.bend(f, f.claims);
    f.check_refused("report_data_mismatch", "REPORTDATA");
  }
}

TEST_CASE("a log that is no log is refused before anything is read from it") {
  Evidence f;
  f.claims.event_log[1] = "{}";
  f.check_refused("log_mismatch", "cannot replay event log");
}

TEST_CASE("RTMR3 may be one event behind the log, for the event that was logged and not extended yet") {
  Evidence f;
  f.token.report.rtmr[3] = f.vm.log.head_at(2);
  CHECK(f.appraise().has_value());
  f.token.report.rtmr[3] = f.vm.log.head_at(1);
  f.check_refused("log_mismatch", "RTMR3");
  f.token.report.rtmr[3] = Digest384{};
  f.check_refused("log_mismatch", "RTMR3");
}

TEST_CASE("the quote may leave out the last event, and only that") {
  Evidence f;
  f.vm.add_event({{"type", "deploy"}, {"app_name", "late"}});
  f.claims.event_log = f.vm.log.events();
  CHECK(f.appraise().has_value());
  f.vm.add_event({{"type", "deploy"}, {"app_name", "later"}});
  f.claims.event_log = f.vm.log.events();
  f.check_refused("log_mismatch", "3 of 5");
}

TEST_CASE("an event that the quote does not cover is judged too") {
  Evidence f;
  f.vm.add_event({{"type", "workload"}, {"role", "agent"}, {"digest", digest_text('9')}});
  f.claims.event_log = f.vm.log.events();
  f.check_refused("log_mismatch", "two boot workloads");
}

TEST_CASE("a log of another boot is refused") {
  Evidence f;
  f.claims.boot_id = "ffffffffffffffffffffffffffffffff";
  // Bound to the claims as they are, so that nothing else is at fault.
  const auto hashed = protocol::hashed_claims(protocol::to_json_value(f.claims)).value();
  const RegisterBinding binding{f.nonce,         kOrigin, f.claims.signing_key.spki(), f.claims.sealing_key.spki(),
                                f.vm.log.head(), hashed};
  f.token.report.report_data = report_data_of(bound_data(binding));
  f.check_refused("log_mismatch", "boot");
}

TEST_CASE("a policy's refusal names every rule that failed") {
  Evidence f;
  f.token.debug = true;
  f.token.tcb_status = "OutOfDate";
  f.check_refused("policy_refused", "debug");
  f.check_refused("policy_refused", "OutOfDate");
}

TEST_CASE("without RTMR3 the log is held by REPORTDATA alone") {
  Room room;
  Vm vm(room);
  vm.log = EventLog();
  vm.add_event({{"type", "boot"},
                {"boot_id", kBootId},
                {"runtime_digest", digest_text('1')},
                {"attestation_type", "tdx"},
                {"rtmr3", "unavailable"},
                {"boundary", "none"},
                {"config", Json::object()}});
  vm.add_event({{"type", "workload"},
                {"role", "agent"},
                {"digest", digest_text('2')},
                {"env", {{"DD_OWNER_ID", "42"}, {"DD_CP_URL", kOrigin}}}});
  const auto claims = vm.claims_for(room.nonces.for_register(), {{"tdx_rtmr3", std::string(96, '0')}});
  const auto token = room.run(room.tokens.verify(claims.ita_token)).value();
  const auto hashed = protocol::hashed_claims(protocol::to_json_value(claims)).value();
  const auto appraised = appraise_registration(claims, hashed, token, room.policy);
  REQUIRE(appraised.has_value());
  CHECK_FALSE(appraised->facts.rtmr3_extended);
  CHECK_FALSE(appraised->verdict.notes.empty());
}
