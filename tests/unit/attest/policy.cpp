#include "dd/policy.hpp"

#include <doctest/doctest.h>

#include "libdd/attest/policy_file.hpp"
#include "tests/unit/attest/samples.hpp"

using namespace dd;
using nlohmann::json;

namespace {

// Allows sample_claims() and the facts of sample_log().
attest::PolicyValues sample_values() {
  const auto report = sample_report();
  attest::PolicyValues values;
  values.mrtd = {report.mrtd};
  for (std::size_t i = 0; i < 3; ++i) values.rtmr[i] = {report.rtmr[i]};
  values.agent_digest = {digest_of('b')};
  values.connector_digest = {digest_of('c')};
  values.owner_id = "1234";
  values.cp_origin = "https://app.example.com";
  return values;
}

json sample_file() { return json::parse(attest::policy_file(sample_values()).value()); }

Policy policy_of(const json& file) { return Policy::parse(file.dump()).value(); }

LogFacts sample_facts() { return log_facts(sample_log()).value(); }

const RuleVerdict& verdict_on(const Verdict& verdict, std::string_view rule) {
  const auto found = std::ranges::find(verdict.rules, rule, &RuleVerdict::rule);
  REQUIRE(found != verdict.rules.end());
  return *found;
}

std::string hex(unsigned first) { return to_hex(counted<48>(first)); }

}  // namespace

TEST_CASE("a VM that is all that the policy allows is accepted without a word") {
  const auto verdict = policy_of(sample_file()).appraise(sample_claims(), sample_facts());
  CHECK(verdict.accepted);
  CHECK_FALSE(verdict.tofu);
  CHECK(verdict.rules.size() == 11);
  for (const auto& rule : verdict.rules) {
    CAPTURE(rule.rule);
    CHECK(rule.passed);
    CHECK(rule.explanation == rule.rule + " is allowed");
  }
  CHECK(verdict.notes.empty());
  CHECK(verdict.summary() == "every enforced rule passed");
}

TEST_CASE("what a VM may lack can be allowed in words") {
  auto file = sample_file();
  file["rules"]["boundary"] = {{"allow", {"uid", "none"}}};
  file["rules"]["trust_settings"] = {{"allow", {"default", "DD_EDGE_URL=http://127.0.0.1"}}};
  const auto policy = policy_of(file);
  auto facts = sample_facts();
  CHECK(policy.appraise(sample_claims(), facts).accepted);
  facts.boundary = false;
  facts.trust_settings = "DD_EDGE_URL=http://127.0.0.1";
  CHECK(policy.appraise(sample_claims(), facts).accepted);
}

TEST_CASE("each rule refuses one thing and says what and why") {
  auto file = sample_file();
  const auto zeros = std::string(96, '0');
  file["rules"]["mrseam"] = {{"allow", {hex(2)}}};
  file["rules"]["platform_id"] = {{"allow", {hex(5)}}};
  file["rules"]["runtime_digest"] = {{"allow", {digest_of('a')}}};
  file["rules"]["boundary"] = {{"allow", {"uid"}}};
  file["rules"]["privileged"] = {{"allow", {"false"}}};
  file["rules"]["boot_workloads"] = {{"allow", sample_facts().boot_workloads}};
  const auto policy = policy_of(file);
  REQUIRE(policy.appraise(sample_claims(), sample_facts()).accepted);

  const struct {
    const char* rule;
    void (*change)(TdxClaims&, LogFacts&);
    std::string explanation;
  } cases[] = {
      {"mrtd", [](TdxClaims& c, LogFacts&) { c.report.mrtd = {}; }, "mrtd is " + zeros + ", allowed: " + hex(4)},
      {"rtmr0", [](TdxClaims& c, LogFacts&) { c.report.rtmr[0] = {}; }, "rtmr0 is " + zeros + ", allowed: " + hex(8)},
      {"rtmr1", [](TdxClaims& c, LogFacts&) { c.report.rtmr[1] = {}; }, "rtmr1 is " + zeros + ", allowed: " + hex(9)},
      {"rtmr2", [](TdxClaims& c, LogFacts&) { c.report.rtmr[2] = {}; }, "rtmr2 is " + zeros + ", allowed: " + hex(10)},
      {"mrseam", [](TdxClaims& c, LogFacts&) { c.report.mrseam = {}; }, "mrseam is " + zeros + ", allowed: " + hex(2)},
      {"platform_id", [](TdxClaims& c, LogFacts&) { c.report.mrconfigid = {}; },
       "platform_id is " + zeros + ", allowed: " + hex(5)},
      {"tcb_status", [](TdxClaims& c, LogFacts&) { c.tcb_status = "OutOfDate"; },
       "tcb_status is OutOfDate, allowed: UpToDate"},
      {"tcb_status", [](TdxClaims& c, LogFacts&) { c.tcb_status.clear(); }, "tcb_status is missing, allowed: UpToDate"},
      {"debug", [](TdxClaims& c, LogFacts&) { c.debug = true; }, "debug is true: the host can read and change this TD"},
      {"debug", [](TdxClaims& c, LogFacts&) { c.report.td_attributes |= 0x10; },
       "debug is true: the host can read and change this TD"},
      {"agent_digest", [](TdxClaims&, LogFacts& f) { f.agent_digest = digest_of('f'); },
       "agent_digest is " + digest_of('f') + ", allowed: " + digest_of('b')},
      {"connector_digest", [](TdxClaims&, LogFacts& f) { f.connector_digest.clear(); },
       "connector_digest is missing, allowed: " + digest_of('c')},
      {"runtime_digest", [](TdxClaims&, LogFacts& f) { f.runtime_digest = digest_of('f'); },
       "runtime_digest is " + digest_of('f') + ", allowed: " + digest_of('a')},
      {"owner_id", [](TdxClaims&, LogFacts& f) { f.owner_id = "12345"; }, "owner_id is 12345, allowed: 1234"},
      {"cp_origin", [](TdxClaims&, LogFacts& f) { f.cp_origin = "https://evil.example"; },
       "cp_origin is https://evil.example, allowed: https://app.example.com"},
      {"trust_settings", [](TdxClaims&, LogFacts& f) { f.trust_settings = "DD_GITHUB_API_URL=http://evil"; },
       "trust_settings is DD_GITHUB_API_URL=http://evil, allowed: default"},
      {"boundary", [](TdxClaims&, LogFacts& f) { f.boundary = false; }, "boundary is none, allowed: uid"},
      {"privileged", [](TdxClaims&, LogFacts& f) { f.privileged = true; }, "privileged is true, allowed: false"},
      {"boot_workloads", [](TdxClaims&, LogFacts& f) { f.boot_workloads.push_back("intruder x y"); },
       "boot_workloads has intruder x y, allowed: " + sample_facts().boot_workloads.front()},
  };
  for (const auto& c : cases) {
    CAPTURE(c.explanation);
    auto claims = sample_claims();
    auto facts = sample_facts();
    c.change(claims, facts);
    const auto verdict = policy.appraise(claims, facts);
    CHECK_FALSE(verdict.accepted);
    CHECK_FALSE(verdict_on(verdict, c.rule).passed);
    CHECK(verdict.summary() == c.explanation);
  }
}

TEST_CASE("what boots may be missing, and be anything where no rule lists it") {
  auto file = sample_file();
  auto facts = sample_facts();
  REQUIRE(facts.boot_workloads.size() == 1);
  file["rules"]["boot_workloads"] = {{"allow", facts.boot_workloads}};
  facts.boot_workloads.clear();
  CHECK(policy_of(file).appraise(sample_claims(), facts).accepted);
  file["rules"]["boot_workloads"] = {{"allow", json::array()}};
  CHECK(policy_of(file).appraise(sample_claims(), facts).accepted);
  CHECK_FALSE(policy_of(file).appraise(sample_claims(), sample_facts()).accepted);
  file["rules"].erase("boot_workloads");
  facts.boot_workloads = {"whatever"};
  CHECK(policy_of(file).appraise(sample_claims(), facts).accepted);
}

TEST_CASE("a rule that only warns refuses nothing, but says so") {
  auto file = sample_file();
  file["rules"]["rtmr0"]["mode"] = "warn";
  auto claims = sample_claims();
  claims.report.rtmr[0] = {};
  const auto verdict = policy_of(file).appraise(claims, sample_facts());
  CHECK(verdict.accepted);
  const auto& rule = verdict_on(verdict, "rtmr0");
  CHECK_FALSE(rule.passed);
  CHECK(rule.mode == RuleMode::warn);
  CHECK(rule.explanation.starts_with("rtmr0 is 0000"));
  CHECK(verdict.summary() == "every enforced rule passed");
}

TEST_CASE("no policy can accept a revoked platform or a genuine debug TD") {
  auto file = sample_file();
  file["rules"]["tcb_status"]["mode"] = "warn";
  file["rules"]["debug"] = {{"allow", {"true", "false"}}, {"mode", "warn"}};
  const auto policy = policy_of(file);
  auto revoked = sample_claims();
  revoked.tcb_status = "Revoked";
  CHECK(policy.appraise(revoked, sample_facts()).summary() == "tcb_status is Revoked, which no policy may allow");
  CHECK_FALSE(policy.appraise(revoked, sample_facts()).accepted);
  auto named_alike = sample_facts();
  named_alike.cp_origin = "Revoked";
  file["rules"]["cp_origin"]["mode"] = "warn";
  CHECK(policy_of(file).appraise(sample_claims(), named_alike).accepted);
  auto debug = sample_claims();
  debug.debug = true;
  CHECK_FALSE(policy.appraise(debug, sample_facts()).accepted);
  CHECK_FALSE(Policy::tofu({"1234"}, "https://app.example.com").appraise(debug, sample_facts()).accepted);
}

TEST_CASE("the simulator's debug bit needs the simulated flag and a policy that allows it") {
  const struct {
    bool flag;
    bool allowed;
    bool accepted;
  } cases[] = {{true, true, true}, {true, false, false}, {false, true, false}, {false, false, false}};
  for (const auto& c : cases) {
    CAPTURE(c.flag);
    CAPTURE(c.allowed);
    auto values = sample_values();
    values.simulated = c.allowed;
    auto claims = sample_claims();
    claims.report.td_attributes |= 1;
    claims.debug = true;
    claims.simulated = c.flag;
    const auto verdict = Policy::parse(attest::policy_file(values).value())->appraise(claims, sample_facts());
    CHECK(verdict.accepted == c.accepted);
    CHECK((verdict.notes.size() == 1) == c.flag);
  }
}

TEST_CASE("the notes tell what nobody was refused for") {
  auto claims = sample_claims();
  claims.simulated = true;
  LogFacts facts = sample_facts();
  facts.boundary = false;
  facts.privileged = true;
  facts.rtmr3_extended = false;
  CHECK(
      policy_of(sample_file()).appraise(claims, facts).notes ==
      std::vector<std::string>{
          "simulated evidence: it proves nothing about hardware",
          "no boundary: workloads run under the agent's own uid, so each of them can impersonate the agent",
          "something privileged was started, or was given the runtime's token: this workload can impersonate the agent",
          "RTMR3 not extended by this kernel: the log is vouched for by REPORTDATA only"});
}

TEST_CASE("an allow list is an alternative, and an empty one allows nothing") {
  auto file = sample_file();
  file["rules"]["mrtd"]["allow"] = {hex(100), hex(101), hex(102), hex(103), hex(104)};
  const auto text = policy_of(file).appraise(sample_claims(), sample_facts()).summary();
  CHECK(text == "mrtd is " + hex(4) + ", allowed: " + hex(100) + ", " + hex(101) + ", " + hex(102) + " and 2 more");
  file["rules"]["mrtd"]["allow"] = {hex(100), hex(101), hex(102)};
  CHECK(policy_of(file).appraise(sample_claims(), sample_facts()).summary() ==
        "mrtd is " + hex(4) + ", allowed: " + hex(100) + ", " + hex(101) + ", " + hex(102));
  file["rules"]["mrtd"]["allow"].push_back(hex(4));
  CHECK(policy_of(file).appraise(sample_claims(), sample_facts()).accepted);
  file["rules"]["mrtd"]["allow"] = json::array();
  CHECK(policy_of(file).appraise(sample_claims(), sample_facts()).summary() ==
        "mrtd is " + hex(4) + ", allowed: nothing");
}

TEST_CASE("foreign text in an explanation is short and printable") {
  auto facts = sample_facts();
  facts.cp_origin = "\x1b[31m" + std::string(4000, 'x');
  const auto verdict = policy_of(sample_file()).appraise(sample_claims(), facts);
  CHECK(verdict.summary() == "cp_origin is ?[31m" + std::string(251, 'x') + "..., allowed: https://app.example.com");
}

TEST_CASE("trust on first use takes any measurement, and nothing else on trust") {
  const auto policy = Policy::tofu({"1234"}, "https://app.example.com");
  CHECK(policy.is_tofu());
  CHECK(policy.to_json_value().at("tofu") == true);
  CHECK_FALSE(policy_of(sample_file()).to_json_value().contains("tofu"));
  TdxClaims claims;
  claims.tcb_status = "UpToDate";
  auto facts = sample_facts();
  const auto verdict = policy.appraise(claims, facts);
  CHECK(verdict.accepted);
  CHECK(verdict.tofu);

  facts.owner_id = "666";
  CHECK(policy.appraise(claims, facts).summary() == "owner_id is 666, allowed: 1234");
  facts = sample_facts();
  facts.cp_origin = "https://evil.example";
  CHECK_FALSE(policy.appraise(claims, facts).accepted);
  claims.tcb_status = "OutOfDate";
  CHECK_FALSE(policy.appraise(claims, sample_facts()).accepted);
}

TEST_CASE("trust on first use takes the simulator's debug bit where simulated evidence is accepted, and no real one") {
  const std::string origin = "https://app.example.com";
  auto claims = sample_claims();
  claims.debug = claims.simulated = true;
  CHECK_FALSE(Policy::tofu({"1234"}, origin).appraise(claims, sample_facts()).accepted);
  CHECK(Policy::tofu({"1234"}, origin, true).appraise(claims, sample_facts()).accepted);
  claims.simulated = false;
  CHECK_FALSE(Policy::tofu({"1234"}, origin, true).appraise(claims, sample_facts()).accepted);
}

TEST_CASE("trust on first use takes a VM that names its owner by login alone only where it is told so") {
  auto facts = sample_facts();
  facts.owner_id.clear();
  const std::string origin = "https://app.example.com";
  CHECK_FALSE(Policy::tofu({"1234"}, origin).appraise(sample_claims(), facts).accepted);
  CHECK(Policy::tofu({"1234", ""}, origin).appraise(sample_claims(), facts).accepted);
  facts.owner_id = "99";
  CHECK_FALSE(Policy::tofu({"1234", ""}, origin).appraise(sample_claims(), facts).accepted);
}

TEST_CASE("a verdict is JSON for people and programs") {
  auto claims = sample_claims();
  claims.tcb_status = "OutOfDate";
  const auto value = to_json_value(policy_of(sample_file()).appraise(claims, sample_facts()));
  CHECK(value.at("accepted") == false);
  CHECK(value.at("tofu") == false);
  CHECK(value.at("notes") == json::array());
  const auto rule =
      std::ranges::find(value.at("rules"), json("tcb_status"), [](const json& r) { return r.at("rule"); });
  CHECK(*rule == json{{"rule", "tcb_status"},
                      {"passed", false},
                      {"mode", "enforce"},
                      {"actual", "OutOfDate"},
                      {"explanation", "tcb_status is OutOfDate, allowed: UpToDate"}});
}
