#include "libdd/cp/compat_api.hpp"

#include <doctest/doctest.h>

#include "libdd/attest/policy_file.hpp"
#include "libdd/cp/register_gate.hpp"
#include "libdd/protocol/fleet.hpp"
#include "tests/support/check_error.hpp"
#include "tests/unit/cp/seed_room.hpp"

using namespace dd;
using namespace dd::cp;
using namespace dd::test;

TEST_CASE("an allowed VM of the earlier system registers with a PAT and a token, and is never attested") {
  Seed f;
  const auto answer = body_of(f.enrol());
  const auto id = answer.at("agent_id").get<std::string>();
  CHECK(answer.at("tunnel_token") == "token of " + id);
  CHECK(answer.at("hostname") == id + ".dd.example");
  CHECK(answer.at("cp_hostname") == "app.dd.example");
  CHECK(from_base64(answer.at("jwt_secret_b64").get<std::string>()).value().size() == 32);
  CHECK(f.tunnels.routed(id) == std::vector<std::string>{"web." + id + ".dd.example", id + ".dd.example"});

  const auto record = f.kept(id);
  CHECK(record.compat);
  const auto verdict = parse_json(record.verdict).value();
  CHECK(verdict.at("accepted") == false);
  const auto view = protocol::agent_views_from(body_of(f.as_owner("GET", "/api/agents"))).value().at(0);
  CHECK(view.compat);
  CHECK(view.kid.empty());
  const auto health = protocol::cp_health_from(body_of(f.ask("GET", "/health"))).value();
  CHECK(health.agent_count == 1);
  CHECK(health.healthy_count == 0);
}

TEST_CASE("each thing that the compat listener asks for is needed") {
  Seed f(with_compat({"vm-seed=2100-01-01", "vm-late=2020-01-01"}));
  const struct {
    Json changes;
    std::string_view words;
  } cases[] = {
      {{{"owner", "mallory"}}, "owner mismatch: got mallory expected octo"},
      {{{"env_label", "prod"}}, "env_label mismatch: got prod expected test"},
      {{{"vm_name", "vm-1"}}, "DD_COMPAT_VMS does not name it"},
      {{{"vm_name", "vm-late"}}, "its time in DD_COMPAT_VMS is over"},
      {{{"ita_token", "a.b.c"}}, "cannot read token"},
      {{{"ita_token", f.token({{"jti", ""}})}}, "jti"},
      {{{"ita_token", f.token({{"attester_tcb_status", "Revoked"}})}}, "Revoked"},
      {{{"ita_token", f.token({{"attester_held_data", "AAAA"}})}}, "bound to data that it names"},
      {{{"ita_token", f.token({{"attester_runtime_data", Json::object()}})}}, "bound to data that it names"},
      {{{"ita_token", f.token({{"attester_user_data", ""}})}}, "bound to data that it names"},
      {{{"ita_token", f.token({{"tdx_report_data", std::string(128, 'c')}})}}, "bound to 64 bytes of REPORTDATA"},
      {{{"ita_token", f.token({{"tdx_report_data", std::string(34, 'c') + std::string(94, '0')}})}}, "of REPORTDATA"},
      {{{"ita_token", f.token({{"tdx_report_data", std::string(127, '0') + "1"}})}}, "of REPORTDATA"},
  };
  for (const auto& c : cases) check_error_says(f.enrol(c.changes), ErrorCode::invalid_argument, c.words);
  check_error_says(f.call("POST", "/register", f.body(), kStrangerPat), ErrorCode::permission_denied, "");
  CHECK(f.tunnels.names.empty());
}

TEST_CASE("a token registers once") {
  Seed f;
  const auto token = f.token();
  CHECK(f.enrol({{"ita_token", token}}).has_value());
  check_error_says(f.enrol({{"ita_token", token}}), ErrorCode::invalid_argument, "registered an agent before");
}

TEST_CASE("while the token issuer is down a registration is told to come again") {
  Seed f;
  f.issuer.down = true;
  check_code(f.enrol(), ErrorCode::unavailable);
  f.issuer.down = false;
  f.clock.advance(std::chrono::minutes(1));
  CHECK(f.enrol().has_value());
}

TEST_CASE("what the policy only warns of does not keep an agent away") {
  Seed f;
  attest::PolicyValues values;
  values.mrtd = {Measurement{}};
  for (auto& rtmr : values.rtmr) rtmr = {Measurement{}};
  values.agent_digest = {digest_text('2')};
  values.connector_digest = {digest_text('3')};
  values.owner_id = "42";
  values.cp_origin = kOrigin;
  auto file = parse_json(attest::policy_file(values).value()).value();
  f.policy = Policy::parse(to_text(file)).value();
  check_error_says(f.enrol(), ErrorCode::invalid_argument, "mrtd");
  for (auto& [name, rule] : file["rules"].items()) rule["mode"] = "warn";
  f.policy = Policy::parse(to_text(file)).value();
  CHECK(f.enrol().has_value());
}

TEST_CASE("a token without a number registers nobody") {
  Seed f;
  auto payload = ita::v1_payload();
  payload["iat"] = payload["nbf"] = f.clock.unix_seconds();
  payload["exp"] = f.clock.unix_seconds() + 300;
  payload.erase("jti");
  const auto token = ita::signed_token(ita::kGoodHeader, payload.dump());
  check_error_says(f.enrol({{"ita_token", token}}), ErrorCode::invalid_argument, "jti");
  CHECK(f.tunnels.names.empty());
}

TEST_CASE("of several registrations with one token at the same time one is carried out") {
  Seed f;
  const auto sent = to_text(f.body());
  std::vector<RouteCall> calls(4, {"POST", "/register", bearer(kOwnerPat), sent});
  CHECK(granted_of(f.io, f.listener, std::move(calls)) == 1);
  CHECK(f.tunnels.names.size() == 1);
}

TEST_CASE("nobody is evicted: a VM that answers keeps its name, one that does not gets its entry again") {
  Seed f;
  const auto id = f.enrolled();
  f.answers(id);
  check_error_says(f.enrol(), ErrorCode::conflict, "held by an agent that answers");
  f.agents.clear();
  CHECK(f.enrolled() == id);
  CHECK(f.tunnels.names.size() == 1);
  const auto other = f.token({{"tdx_mrtd", std::string(96, 'e')}});
  check_error_says(f.enrol({{"ita_token", other}}), ErrorCode::conflict, "another machine now: drift: mrtd");
}

TEST_CASE("attestation takes a VM's name from an entry without it, and it cannot go back") {
  Seed f;
  const auto id = f.enrolled();
  f.answers(id);
  Vm vm(f, "vm-seed");
  vm.join();
  CHECK(vm.agent_id != id);
  CHECK(f.kept(id).status == AgentStatus::dropped);
  CHECK_FALSE(f.tunnels.names.contains(id));
  check_error_says(f.enrol(), ErrorCode::invalid_argument, "cannot go back");
}

TEST_CASE("a poll without a challenge keeps it; drift, another VM, a bad token and the end of its time drop it") {
  const struct {
    std::string name;
    std::function<void(Seed&, const std::string& id)> change;
    AgentStatus status;
    std::string_view reason;
  } cases[] = {
      {"nothing", [](Seed& f, const std::string& id) { f.answers(id); }, AgentStatus::healthy, ""},
      {"drift", [](Seed& f, const std::string& id) { f.answers(id, {{"tdx_mrtd", std::string(96, 'e')}}); },
       AgentStatus::dropped, "drift: mrtd"},
      {"a token that is bound to keys",
       [](Seed& f, const std::string& id) { f.answers(id, {{"attester_held_data", "AAAA"}}); }, AgentStatus::dropped,
       "bound to data that it names"},
      {"another VM",
       [](Seed& f, const std::string& id) {
         f.answers(id);
         f.health["vm_name"] = "vm-other";
       },
       AgentStatus::dropped, "vm-other"},
      {"a token of nobody's",
       [](Seed& f, const std::string& id) {
         f.answers(id);
         f.health["ita_token"] = "a.b.c";
       },
       AgentStatus::dropped, "token"},
      {"silence", [](Seed&, const std::string&) {}, AgentStatus::unreachable, "unreachable"},
      {"an answer without a token",
       [](Seed& f, const std::string& id) {
         f.answers(id);
         f.health.erase("ita_token");
       },
       AgentStatus::unreachable, "ita_token"},
      {"an expired token",
       [](Seed& f, const std::string& id) {
         f.answers(id, {{"exp", ita::kNow - 600}, {"iat", ita::kNow - 900}, {"nbf", ita::kNow - 900}});
       },
       AgentStatus::quarantined, "expired"},
      {"the end of its time",
       [](Seed& f, const std::string& id) {
         f.answers(id);
         f.options.compat_vms = {"vm-seed=2020-01-01"};
       },
       AgentStatus::dropped, "is over"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    Seed f;
    const auto id = f.enrolled();
    c.change(f, id);
    f.run(f.poller.round());
    CHECK(f.kept(id).status == c.status);
    CHECK(f.kept(id).reason.find(c.reason) != std::string::npos);
  }
}

TEST_CASE("no key is that of an entry without one") {
  Seed f;
  const auto id = f.enrolled();
  const RegisterGate gate(f.context);
  CHECK_FALSE(gate.needs_no_credential("vm-seed", f.kept(id).signing_key.kid()));
  auto gone = f.kept(id);
  gone.status = AgentStatus::dropped;
  gone.renewable = true;
  gone.dropped_at = f.clock.unix_seconds();
  f.must(f.store.save(gone));
  CHECK_FALSE(gate.needs_no_credential("vm-seed", gone.signing_key.kid()));
}

TEST_CASE("a revoked VM stays away") {
  Seed f;
  const auto id = f.enrolled();
  CHECK(f.as_owner("POST", "/api/agents/" + id + "/revoke").has_value());
  check_error_says(f.enrol(), ErrorCode::invalid_argument, "was revoked");
}

TEST_CASE("its ingress is replaced by its owner, and only its own kind's") {
  Seed f;
  const auto id = f.enrolled();
  const Json extras = Json::array({{{"hostname_label", "api"}, {"port", 7000}}});
  const auto answer = body_of(f.call("POST", "/ingress/replace", {{"agent_id", id}, {"extras", extras}}));
  CHECK(answer.at("extra_hostnames") == Json::array({"api." + id + ".dd.example"}));
  CHECK(f.tunnels.routed(id) == std::vector<std::string>{"api." + id + ".dd.example", id + ".dd.example"});

  Vm vm(f);
  vm.join();
  check_error_says(f.call("POST", "/ingress/replace", {{"agent_id", vm.agent_id}, {"extras", extras}}),
                   ErrorCode::not_found, "no agent");
  check_error_says(f.call("POST", "/ingress/replace", {{"agent_id", id}, {"extras", extras}}, kStrangerPat),
                   ErrorCode::permission_denied, "");
}

TEST_CASE("an entry without a key makes no signed calls") {
  Seed f;
  const auto id = f.enrolled();
  const Vm vm(f);
  const std::string text = to_text(Json{{"agent_id", id}, {"extras", Json::array()}});
  const protocol::CallClaims claims{
      kOrigin, id, f.clock.unix_seconds(), "POST", "/ingress/replace", crypto::sha256(as_bytes(text)), 0};
  const auto statement = crypto::sign_jws(vm.signing, crypto::kCallTyp, protocol::to_json_value(claims));
  check_error_says(f.ask("POST", "/ingress/replace", test::header(protocol::kCallHeader, statement), text),
                   ErrorCode::not_found, "no agent");
}

TEST_CASE("the list has the control plane in it, as it had") {
  Seed f;
  const auto id = f.enrolled();
  const auto list = body_of(f.call("GET", "/api/agents", {}));
  CHECK(list.size() == 2);
  CHECK(list.at(0).at("agent_id") == "control-plane");
  CHECK(list.at(1).at("agent_id") == id);
  CHECK(list.at(1).at("status") == "healthy");
  CHECK(body_of(f.call("GET", "/health", {})).at("agent_count") == 2);
}

TEST_CASE("an allow-list entry is a VM name and an end") {
  for (const char* bad : {"vm-1", "vm-1=", "=2026-12-31", "vm-1=soon", "vm-1=2026-13-01", "vm-1=2026-02-30",
                          "vm-1=2026-1-2", "VM 1=2026-12-31"}) {
    CAPTURE(bad);
    auto options = Room::with_defaults(with_compat({bad}));
    options.policy = "tofu";
    const auto made = ControlPlane::create(std::move(options));
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().message.find("DD_COMPAT_VMS") != std::string::npos);
  }
}
