#include "libdd/attest/policy_file.hpp"

#include <doctest/doctest.h>

#include "dd/policy.hpp"
#include "tests/unit/attest/samples.hpp"

using namespace dd;
using nlohmann::json;

namespace {

attest::PolicyValues values() {
  attest::PolicyValues values;
  values.mrtd = {counted<48>(1)};
  for (auto& rtmr : values.rtmr) rtmr = {counted<48>(2), counted<48>(3)};
  values.agent_digest = {digest_of('b')};
  values.connector_digest = {digest_of('c')};
  values.owner_id = "1234";
  values.cp_origin = "http://127.0.0.1:8443";
  return values;
}

json file() { return json::parse(attest::policy_file(values()).value()); }

/// The file and what it need not say.
json in_force() {
  auto rules = file();
  rules["rules"]["trust_settings"] = {{"allow", {"default"}}, {"mode", "enforce"}};
  return rules;
}

}  // namespace

TEST_CASE("a written policy is read back with every rule enforced") {
  const auto policy = Policy::parse(attest::policy_file(values()).value());
  REQUIRE(policy.has_value());
  CHECK(policy->to_json_value() == in_force());
  CHECK_FALSE(policy->is_tofu());
  CHECK(file().at("rules").at("rtmr2") ==
        json{{"allow", {to_hex(counted<48>(2)), to_hex(counted<48>(3))}}, {"mode", "enforce"}});
  CHECK(file().at("rules").at("debug").at("allow") == json{"false"});
  CHECK_FALSE(file().at("rules").contains("runtime_digest"));
}

TEST_CASE("settings that decide whom an agent believes are written when there are any") {
  auto local = values();
  local.trust_settings = {"DD_GITHUB_API_URL=http://127.0.0.1:9000"};
  const auto policy = Policy::parse(attest::policy_file(local).value());
  REQUIRE(policy.has_value());
  CHECK(policy->to_json_value().at("rules").at("trust_settings").at("allow") == local.trust_settings);
}

TEST_CASE("what is told of boundary, privileges and boot workloads becomes rules, an empty list of the last one too") {
  auto told = values();
  told.boundary = {"uid"};
  told.privileged = {"false"};
  told.boot_workloads.emplace();
  const auto rules = json::parse(attest::policy_file(told).value()).at("rules");
  CHECK(rules.at("boundary").at("allow") == json{"uid"});
  CHECK(rules.at("privileged").at("allow") == json{"false"});
  CHECK(rules.at("boot_workloads").at("allow") == json::array());
  for (const char* rule : {"boundary", "privileged", "boot_workloads"}) CHECK_FALSE(file().at("rules").contains(rule));
}

TEST_CASE("values that no policy can have are not written") {
  const struct {
    const char* name;
    void (*change)(attest::PolicyValues&);
    const char* message;
  } cases[] = {
      {"no MRTD", [](attest::PolicyValues& v) { v.mrtd.clear(); }, "cannot write policy: mrtd would allow nothing"},
      {"no agent", [](attest::PolicyValues& v) { v.agent_digest.clear(); },
       "cannot write policy: agent_digest would allow nothing"},
      {"an owner that is no id", [](attest::PolicyValues& v) { v.owner_id = "octo"; },
       "cannot write policy: cannot read $.rules.owner_id.allow[0]: want a numeric id"},
      {"Revoked", [](attest::PolicyValues& v) { v.tcb_status.push_back("Revoked"); },
       "cannot write policy: cannot read $.rules.tcb_status.allow[1]: want a TCB status of Intel's, and never Revoked"},
      {"an origin with a path", [](attest::PolicyValues& v) { v.cp_origin += "/"; },
       "cannot write policy: cannot read $.rules.cp_origin.allow[0]: want scheme://host[:port] in lower case, without "
       "a default port"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    auto changed = values();
    c.change(changed);
    const auto text = attest::policy_file(changed);
    REQUIRE_FALSE(text.has_value());
    CHECK(text.error().code == ErrorCode::invalid_argument);
    CHECK(text.error().message == c.message);
  }
}

TEST_CASE("hex in a policy file may have either case") {
  auto upper = file();
  auto& mrtd = upper["rules"]["mrtd"]["allow"][0].get_ref<std::string&>();
  for (auto& c : mrtd) c = static_cast<char>(std::toupper(c));
  upper["rules"]["agent_digest"]["allow"][0] = "sha256:" + std::string(64, 'B');
  CHECK(Policy::parse(upper.dump()).value().to_json_value() == in_force());
}

TEST_CASE("a policy file that is not one is refused with the path of what is wrong") {
  const struct {
    const char* name;
    const char* patch;
    ErrorCode code;
    const char* path;
  } cases[] = {
      {"no version", R"([{"op":"remove","path":"/version"}])", ErrorCode::malformed, "$.version"},
      {"another version", R"([{"op":"replace","path":"/version","value":2}])", ErrorCode::invalid_argument,
       "$.version"},
      {"no rules", R"([{"op":"remove","path":"/rules"}])", ErrorCode::malformed, "$.rules"},
      {"rules as a list", R"([{"op":"replace","path":"/rules","value":[]}])", ErrorCode::malformed, "$.rules"},
      {"a member that is not ours", R"([{"op":"add","path":"/tofu","value":true}])", ErrorCode::invalid_argument,
       "$.tofu"},
      {"a rule that is not ours", R"([{"op":"add","path":"/rules/mrdt","value":{"allow":[]}}])",
       ErrorCode::invalid_argument, "$.rules.mrdt"},
      {"no mrtd", R"([{"op":"remove","path":"/rules/mrtd"}])", ErrorCode::malformed, "$.rules.mrtd"},
      {"no tcb_status", R"([{"op":"remove","path":"/rules/tcb_status"}])", ErrorCode::malformed, "$.rules.tcb_status"},
      {"no debug", R"([{"op":"remove","path":"/rules/debug"}])", ErrorCode::malformed, "$.rules.debug"},
      {"no agent_digest", R"([{"op":"remove","path":"/rules/agent_digest"}])", ErrorCode::malformed,
       "$.rules.agent_digest"},
      {"no connector_digest", R"([{"op":"remove","path":"/rules/connector_digest"}])", ErrorCode::malformed,
       "$.rules.connector_digest"},
      {"no owner_id", R"([{"op":"remove","path":"/rules/owner_id"}])", ErrorCode::malformed, "$.rules.owner_id"},
      {"no cp_origin", R"([{"op":"remove","path":"/rules/cp_origin"}])", ErrorCode::malformed, "$.rules.cp_origin"},
      {"a rule that is null", R"([{"op":"replace","path":"/rules/rtmr1","value":null}])", ErrorCode::malformed,
       "$.rules.rtmr1"},
      {"a rule without values", R"([{"op":"remove","path":"/rules/rtmr0/allow"}])", ErrorCode::malformed,
       "$.rules.rtmr0.allow"},
      {"a value that is no list", R"([{"op":"replace","path":"/rules/rtmr0/allow","value":"00"}])",
       ErrorCode::malformed, "$.rules.rtmr0.allow"},
      {"a value that is no text", R"([{"op":"replace","path":"/rules/rtmr0/allow","value":[1]}])", ErrorCode::malformed,
       "$.rules.rtmr0.allow[0]"},
      {"a short measurement", R"([{"op":"replace","path":"/rules/rtmr0/allow","value":["00"]}])",
       ErrorCode::invalid_argument, "$.rules.rtmr0.allow[0]"},
      {"an empty digest", R"([{"op":"replace","path":"/rules/agent_digest/allow/0","value":""}])",
       ErrorCode::invalid_argument, "$.rules.agent_digest.allow[0]"},
      {"another mode", R"([{"op":"replace","path":"/rules/debug/mode","value":"off"}])", ErrorCode::invalid_argument,
       "$.rules.debug.mode"},
      {"a member of a rule that is not ours", R"([{"op":"add","path":"/rules/debug/deny","value":[]}])",
       ErrorCode::invalid_argument, "$.rules.debug.deny"},
      {"debug: maybe", R"([{"op":"replace","path":"/rules/debug/allow/0","value":"maybe"}])",
       ErrorCode::invalid_argument, "$.rules.debug.allow[0]"},
      {"Revoked", R"([{"op":"add","path":"/rules/tcb_status/allow/0","value":"Revoked"}])", ErrorCode::invalid_argument,
       "$.rules.tcb_status.allow[0]"},
      {"a status that Intel does not have", R"([{"op":"add","path":"/rules/tcb_status/allow/0","value":"uptodate"}])",
       ErrorCode::invalid_argument, "$.rules.tcb_status.allow[0]"},
      {"an origin with the default port",
       R"([{"op":"replace","path":"/rules/cp_origin/allow/0","value":"https://a.example:443"}])",
       ErrorCode::invalid_argument, "$.rules.cp_origin.allow[0]"},
      {"an origin without a host", R"([{"op":"replace","path":"/rules/cp_origin/allow/0","value":"https://"}])",
       ErrorCode::invalid_argument, "$.rules.cp_origin.allow[0]"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto policy = Policy::parse(file().patch(json::parse(c.patch)).dump());
    REQUIRE_FALSE(policy.has_value());
    CHECK(policy.error().code == c.code);
    CHECK(policy.error().path == c.path);
  }
  CHECK(Policy::parse("{").error().code == ErrorCode::malformed);
  CHECK(Policy::parse("").error().code == ErrorCode::malformed);
  CHECK(Policy::parse("[]").error().path == "$");
}
