#include "libdd/ita/token_claims.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/ita/token_fixture.hpp"

using namespace dd;
using namespace dd::ita;
using nlohmann::json;

namespace {

/// The payload with one member set (by JSON pointer).
json with(json payload, const char* pointer, json value) {
  payload[json::json_pointer(pointer)] = std::move(value);
  return payload;
}

json without(json payload, const char* name) {
  payload.erase(name);
  return payload;
}

struct Refused {
  const char* name;
  json payload;
  const char* path;
};

void check_refused(const std::vector<Refused>& cases, const TokenRules& rules = good_rules()) {
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto claims = read_token_claims(c.payload, rules);
    REQUIRE_FALSE(claims.has_value());
    CHECK(claims.error().code == ErrorCode::unauthenticated);
    CHECK(claims.error().reason == kTokenInvalid);
    CHECK(claims.error().path == c.path);
    CHECK(claims.error().message.starts_with("cannot accept token: "));
  }
}

TokenRules simulated_rules() {
  auto rules = good_rules();
  rules.attester_type = "TDX-SIMULATED";
  rules.simulated = true;
  return rules;
}

json simulated_payload() {
  auto payload = v1_payload();
  payload["attester_type"] = "TDX-SIMULATED";
  payload["tdx_td_attributes"] = "0100001000000000";
  payload["tdx_td_attributes_debug"] = true;
  payload["tdx_is_debuggable"] = true;
  payload["dbgstat"] = "enabled";
  return payload;
}

}  // namespace

TEST_CASE("a version 1 token is read field by field") {
  const auto claims = read_token_claims(v1_payload(), good_rules());
  REQUIRE(claims.has_value());
  CHECK(to_hex(claims->report.tee_tcb_svn) == "03010200000000000000000000000000");
  CHECK(to_hex(claims->report.mrseam) == repeated("a1", 48));
  CHECK(to_hex(claims->report.mrtd) == repeated("a2", 48));
  CHECK(to_hex(claims->report.mrconfigid) == repeated("a3", 48));
  CHECK(to_hex(claims->report.mrowner) == repeated("a4", 48));
  CHECK(to_hex(claims->report.mrownerconfig) == repeated("a5", 48));
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(to_hex(claims->report.rtmr[i]) == repeated(("b" + std::to_string(i)).c_str(), 48));
  CHECK(to_hex(claims->report.report_data) == repeated("cd", 64));
  CHECK(claims->report.td_attributes == std::uint64_t{1} << 28);
  CHECK(claims->report.xfam == 0x618e7);
  CHECK(claims->tcb_status == "UpToDate");
  CHECK(claims->advisory_ids == std::vector<std::string>{"INTEL-SA-00828"});
  CHECK(claims->attester_type == "TDX");
  CHECK(claims->issuer == kIssuer);
  CHECK(claims->token_id == "5f1c2f1e-0000-4000-8000-000000000001");
  CHECK(claims->issued_at == kNow - 10);
  CHECK(claims->expires_at == kNow + 290);
  CHECK_FALSE(claims->debug);
  CHECK_FALSE(claims->simulated);
}

TEST_CASE("a version 2 token says the same from its tdx object") {
  const auto first = read_token_claims(v1_payload(), good_rules());
  const auto second = read_token_claims(v2_payload(), good_rules());
  REQUIRE(first.has_value());
  REQUIRE(second.has_value());
  CHECK(*first == *second);
}

TEST_CASE("claims that may be absent are absent without harm") {
  for (const auto* name :
       {"jti", "nbf", "attester_advisory_ids", "tdx_is_debuggable", "tdx_td_attributes_debug", "dbgstat"}) {
    CAPTURE(name);
    CHECK(read_token_claims(without(v1_payload(), name), good_rules()).has_value());
  }
}

TEST_CASE("versions are not mixed, and nothing but TDX is believed") {
  check_refused({
      {"both versions", with(v1_payload(), "/tdx", tdx_part()), "$.attester_advisory_ids"},
      {"one version 1 claim beside tdx", with(v2_payload(), "/tdx_mrtd", repeated("a2", 48)), "$.tdx_mrtd"},
      {"debug state beside tdx", with(v2_payload(), "/dbgstat", "disabled"), "$.dbgstat"},
      {"attester type only at the top of version 2", with(v2_payload(), "/attester_type", "TDX"), "$.attester_type"},
      {"sgx object", with(v2_payload(), "/sgx", json::object()), "$.sgx"},
      {"sgx claims", with(v1_payload(), "/sgx_mrenclave", "00"), "$.sgx_mrenclave"},
      {"sgx attester", with(v1_payload(), "/attester_type", "SGX"), "$.attester_type"},
      {"attester type in lower case", with(v1_payload(), "/attester_type", "tdx"), "$.attester_type"},
      {"attester type with more behind it", with(v2_payload(), "/tdx/attester_type", "TDX "), "$.tdx.attester_type"},
      {"attester type as array", with(v1_payload(), "/attester_type", json::array({"TDX"})), "$.attester_type"},
      {"simulated evidence in production", simulated_payload(), "$.attester_type"},
      {"tdx is no object", with(jwt_part(), "/tdx", "TDX"), "$.tdx"},
      {"no claims of a TD", jwt_part(), "$.attester_type"},
      {"payload is an array", json::array(), "$"},
  });
}

TEST_CASE("measurements come from nowhere but their own claims") {
  auto payload = without(v1_payload(), "tdx_mrtd");
  payload["policy_defined_claims"] = {{"tdx_mrtd", repeated("a2", 48)}};
  check_refused({{"tenant-made claim", payload, "$.tdx_mrtd"}});
}

TEST_CASE("every claim of the report is required and has its exact size") {
  for (const auto* name :
       {"tdx_tee_tcb_svn", "tdx_mrseam", "tdx_mrsignerseam", "tdx_seam_attributes", "tdx_td_attributes", "tdx_xfam",
        "tdx_mrtd", "tdx_mrconfigid", "tdx_mrowner", "tdx_mrownerconfig", "tdx_rtmr0", "tdx_rtmr1", "tdx_rtmr2",
        "tdx_rtmr3", "tdx_report_data"}) {
    CAPTURE(name);
    const auto pointer = "/" + std::string(name);
    const auto path = "$." + std::string(name);
    const auto good = v1_payload()[name].get<std::string>();
    check_refused({
        {"missing", without(v1_payload(), name), path.c_str()},
        {"null", with(v1_payload(), pointer.c_str(), nullptr), path.c_str()},
        {"a number", with(v1_payload(), pointer.c_str(), 7), path.c_str()},
        {"empty", with(v1_payload(), pointer.c_str(), ""), path.c_str()},
        {"one byte short", with(v1_payload(), pointer.c_str(), good.substr(2)), path.c_str()},
        {"one byte long", with(v1_payload(), pointer.c_str(), good + "00"), path.c_str()},
        {"0x in front", with(v1_payload(), pointer.c_str(), "0x" + good.substr(2)), path.c_str()},
    });
  }
}

TEST_CASE("a TD under debug is refused, however the token says it") {
  check_refused({
      {"tdx_is_debuggable", with(v1_payload(), "/tdx_is_debuggable", true), "$.tdx_td_attributes"},
      {"tdx_td_attributes_debug", with(v1_payload(), "/tdx_td_attributes_debug", true), "$.tdx_td_attributes"},
      {"dbgstat", with(v1_payload(), "/dbgstat", "enabled"), "$.tdx_td_attributes"},
      {"debug bit alone", with(v1_payload(), "/tdx_td_attributes", "0100001000000000"), "$.tdx_td_attributes"},
      {"another bit of the debug byte", with(v1_payload(), "/tdx_td_attributes", "8000001000000000"),
       "$.tdx_td_attributes"},
      {"version 2", with(v2_payload(), "/tdx/tdx_is_debuggable", true), "$.tdx.tdx_td_attributes"},
  });
}

TEST_CASE("a debug claim that cannot be read is not a no") {
  check_refused({
      {"text", with(v1_payload(), "/tdx_is_debuggable", "false"), "$.tdx_is_debuggable"},
      {"number", with(v1_payload(), "/tdx_td_attributes_debug", 0), "$.tdx_td_attributes_debug"},
      {"null", with(v1_payload(), "/tdx_is_debuggable", nullptr), "$.tdx_is_debuggable"},
      {"dbgstat null", with(v1_payload(), "/dbgstat", nullptr), "$.dbgstat"},
      {"dbgstat bool", with(v1_payload(), "/dbgstat", false), "$.dbgstat"},
      {"dbgstat in another case", with(v1_payload(), "/dbgstat", "Disabled"), "$.dbgstat"},
      {"dbgstat of another word", with(v1_payload(), "/dbgstat", "disabled-since-boot"), "$.dbgstat"},
  });
}

TEST_CASE("the TCB status is one of the known words, and never Revoked") {
  for (const auto* word :
       {"UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate",
        "OutOfDateConfigurationNeeded", "TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded"}) {
    CAPTURE(word);
    const auto claims = read_token_claims(with(v1_payload(), "/attester_tcb_status", word), good_rules());
    REQUIRE(claims.has_value());
    CHECK(claims->tcb_status == word);
  }
  std::vector<Refused> cases = {{"missing", without(v1_payload(), "attester_tcb_status"), "$.attester_tcb_status"}};
  for (const auto* word : {"Revoked", "OK", "OUT_OF_DATE", "uptodate", "UpToDate ", ""})
    cases.push_back({word, with(v1_payload(), "/attester_tcb_status", word), "$.attester_tcb_status"});
  check_refused(cases);
}

TEST_CASE("the issuer is compared whole") {
  check_refused({
      {"missing", without(v1_payload(), "iss"), "$.iss"},
      {"longer", with(v1_payload(), "/iss", kIssuer + ".evil.example"), "$.iss"},
      {"a prefix", with(v1_payload(), "/iss", kIssuer.substr(0, 20)), "$.iss"},
      {"with a slash", with(v1_payload(), "/iss", kIssuer + "/"), "$.iss"},
      {"another case", with(v1_payload(), "/iss", "https://PORTAL.trustauthority.intel.com"), "$.iss"},
      {"an array", with(v1_payload(), "/iss", json::array({kIssuer})), "$.iss"},
      {"the old text", with(v1_payload(), "/iss", "Intel Trust Authority"), "$.iss"},
      {"null", with(v1_payload(), "/iss", nullptr), "$.iss"},
  });
}

TEST_CASE("times are integers within bounds") {
  for (const auto* name : {"exp", "iat"})
    check_refused({{name, without(v1_payload(), name), ("$." + std::string(name)).c_str()}});
  for (const auto* name : {"exp", "iat", "nbf"}) {
    CAPTURE(name);
    const auto pointer = "/" + std::string(name);
    const auto path = "$." + std::string(name);
    check_refused({
        {"text", with(v1_payload(), pointer.c_str(), std::to_string(kNow)), path.c_str()},
        {"bool", with(v1_payload(), pointer.c_str(), true), path.c_str()},
        {"null", with(v1_payload(), pointer.c_str(), nullptr), path.c_str()},
        {"fraction", with(v1_payload(), pointer.c_str(), 1.79e9), path.c_str()},
        {"negative", with(v1_payload(), pointer.c_str(), -1), path.c_str()},
        {"over 2^53", with(v1_payload(), pointer.c_str(), (std::int64_t{1} << 53) + 1), path.c_str()},
        {"over 2^63", with(v1_payload(), pointer.c_str(), std::uint64_t{1} << 63), path.c_str()},
    });
  }
}

TEST_CASE("times are judged with the leeway and no more") {
  const struct {
    const char* name;
    std::int64_t iat;
    std::int64_t nbf;
    std::int64_t exp;
    const char* path;
  } cases[] = {
      {"issued at the leeway's end", kNow + 60, kNow + 60, kNow + 360, ""},
      {"issued after it", kNow + 61, kNow, kNow + 361, "$.iat"},
      {"not yet valid", kNow, kNow + 61, kNow + 300, "$.nbf"},
      {"issued after it expires", kNow + 10, kNow, kNow + 9, "$.iat"},
      {"longest life", kNow, kNow, kNow + 3600, ""},
      {"a second longer", kNow, kNow, kNow + 3601, "$.exp"},
      {"a year", kNow, kNow, kNow + 31'536'000, "$.exp"},
      {"the end of time", kNow, kNow, std::int64_t{1} << 53, "$.exp"},
      {"expired inside the leeway", kNow - 360, kNow - 360, kNow - 60, ""},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    auto payload = v1_payload();
    payload.update({{"iat", c.iat}, {"nbf", c.nbf}, {"exp", c.exp}});
    const auto claims = read_token_claims(payload, good_rules());
    if (c.path[0] == '\0') {
      CHECK(claims.has_value());
    } else {
      check_refused({{c.name, payload, c.path}});
    }
  }
}

TEST_CASE("an expired token is told apart from a bad one") {
  auto payload = v1_payload();
  payload.update({{"iat", kNow - 361}, {"nbf", kNow - 361}, {"exp", kNow - 61}});
  const auto expired = read_token_claims(payload, good_rules());
  REQUIRE_FALSE(expired.has_value());
  CHECK(expired.error().reason == kTokenExpired);
  CHECK(expired.error().message == "cannot accept token: $.exp: expired 61 s ago");

  payload["attester_type"] = "SGX";
  const auto both = read_token_claims(payload, good_rules());
  REQUIRE_FALSE(both.has_value());
  CHECK(both.error().reason == kTokenInvalid);
}

TEST_CASE("simulated evidence takes the option, its own attester type and a build with simulation") {
  const auto claims = read_token_claims(simulated_payload(), simulated_rules());
#ifdef DD_SIMULATION
  REQUIRE(claims.has_value());
  CHECK(claims->simulated);
  CHECK(claims->debug);
  CHECK(claims->attester_type == "TDX-SIMULATED");
#else
  REQUIRE_FALSE(claims.has_value());
#endif
  auto unasked = simulated_rules();
  unasked.simulated = false;
  check_refused({{"without the option", simulated_payload(), "$.attester_type"}}, unasked);
  check_refused({{"another word", with(simulated_payload(), "/attester_type", "TDX-SIMULATED2"), "$.attester_type"},
                 {"genuine evidence", v1_payload(), "$.attester_type"}},
                simulated_rules());
}

TEST_CASE("the debug bit is not excused for genuine evidence where simulation is on") {
  auto rules = simulated_rules();
  rules.attester_type = "TDX";
  check_refused({{"debug bit", with(v1_payload(), "/tdx_td_attributes", "0100001000000000"), "$.tdx_td_attributes"}},
                rules);
}
