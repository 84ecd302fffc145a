#include "dd/claims.hpp"

#include <doctest/doctest.h>

#include "tests/unit/attest/samples.hpp"

using namespace dd;
using nlohmann::json;

TEST_CASE("claims survive being kept as JSON, with TD 1.5 fields and without") {
  auto claims = sample_claims();
  CHECK(tdx_claims_from(to_json_value(claims)).value() == claims);
  claims.report = sample_report_td15();
  claims.debug = true;
  claims.simulated = true;
  claims.advisory_ids.clear();
  CHECK(tdx_claims_from(json::parse(to_json_value(claims).dump())).value() == claims);
}

TEST_CASE("attributes are written as Intel writes them, lowest byte first") {
  const auto value = to_json_value(sample_claims());
  CHECK(value.at("report").at("td_attributes") == "0000001000000000");
  CHECK(value.at("report").at("seam_attributes") == "0807060504030201");
}

TEST_CASE("claims in any other form are refused") {
  const struct {
    const char* name;
    const char* patch;
  } cases[] = {
      {"a field less", R"([{"op":"remove","path":"/tcb_status"}])"},
      {"a report field less", R"([{"op":"remove","path":"/report/rtmr3"}])"},
      {"a field more", R"([{"op":"add","path":"/more","value":1}])"},
      {"a report field more", R"([{"op":"add","path":"/report/rtmr4","value":""}])"},
      {"no report", R"([{"op":"replace","path":"/report","value":[]}])"},
      {"a short measurement", R"([{"op":"replace","path":"/report/mrtd","value":"00"}])"},
      {"no hex", R"([{"op":"replace","path":"/report/xfam","value":"zz18060000000000"}])"},
      {"hex in upper case", R"([{"op":"replace","path":"/report/xfam","value":"E718060000000000"}])"},
      {"a time as text", R"([{"op":"replace","path":"/issued_at","value":"1"}])"},
      {"a time before 1970", R"([{"op":"replace","path":"/expires_at","value":-1}])"},
      {"debug as a number", R"([{"op":"replace","path":"/debug","value":0}])"},
      {"an optional field that is null", R"([{"op":"add","path":"/report/mrservicetd","value":null}])"},
      {"advisories that are no texts", R"([{"op":"replace","path":"/advisory_ids","value":[1]}])"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto value = to_json_value(sample_claims()).patch(json::parse(c.patch));
    const auto claims = tdx_claims_from(value);
    REQUIRE_FALSE(claims.has_value());
    CHECK(claims.error().message.starts_with("cannot read TDX claims: "));
  }
  CHECK_FALSE(tdx_claims_from(json::array()).has_value());
}

TEST_CASE("every constant of a TD's life is drift when it differs, and is named") {
  const struct {
    const char* field;
    void (*change)(TdxClaims&);
  } cases[] = {
      {"mrtd", [](TdxClaims& c) { c.report.mrtd[0] ^= std::byte{1}; }},
      {"mrseam", [](TdxClaims& c) { c.report.mrseam[47] ^= std::byte{1}; }},
      {"mrsignerseam", [](TdxClaims& c) { c.report.mrsignerseam[1] ^= std::byte{1}; }},
      {"td_attributes", [](TdxClaims& c) { c.report.td_attributes ^= std::uint64_t{1} << 63; }},
      {"xfam", [](TdxClaims& c) { c.report.xfam ^= 4; }},
      {"seam_attributes", [](TdxClaims& c) { c.report.seam_attributes ^= 1; }},
      {"rtmr0", [](TdxClaims& c) { c.report.rtmr[0][0] ^= std::byte{1}; }},
      {"rtmr1", [](TdxClaims& c) { c.report.rtmr[1][0] ^= std::byte{1}; }},
      {"rtmr2", [](TdxClaims& c) { c.report.rtmr[2][0] ^= std::byte{1}; }},
      {"mrconfigid", [](TdxClaims& c) { c.report.mrconfigid[0] ^= std::byte{1}; }},
      {"mrowner", [](TdxClaims& c) { c.report.mrowner[0] ^= std::byte{1}; }},
      {"mrownerconfig", [](TdxClaims& c) { c.report.mrownerconfig[0] ^= std::byte{1}; }},
      {"tee_tcb_svn", [](TdxClaims& c) { c.report.tee_tcb_svn[15] ^= std::byte{1}; }},
      {"attester_type", [](TdxClaims& c) { c.attester_type = "SGX"; }},
      {"issuer", [](TdxClaims& c) { c.issuer += "/"; }},
      {"debug", [](TdxClaims& c) { c.debug = true; }},
  };
  const auto pinned = sample_claims();
  for (const auto& c : cases) {
    CAPTURE(c.field);
    auto now = pinned;
    c.change(now);
    const auto drift = drift_between(pinned, now);
    REQUIRE(drift.size() == 1);
    CHECK(drift[0].field == c.field);
    CHECK(drift[0].before != drift[0].after);
    // And back: whichever of the two has the better value.
    CHECK(drift_between(now, pinned).size() == 1);
  }
}

TEST_CASE("drift tells both values, as bytes in hex") {
  auto now = sample_claims();
  now.report.mrtd = {};
  now.debug = true;
  const auto drift = drift_between(sample_claims(), now);
  REQUIRE(drift.size() == 2);
  CHECK(drift[0].before == to_hex(counted<48>(4)));
  CHECK(drift[0].after == std::string(96, '0'));
  CHECK(drift[1].before == "false");
  CHECK(drift[1].after == "true");
}

TEST_CASE("what may change in a TD's life is no drift") {
  const auto pinned = sample_claims();
  auto now = pinned;
  now.report.rtmr[3] = counted<48>(200);  // the event log explains it
  now.report.report_data = counted<64>(200);
  now.report.tee_tcb_svn2 = counted<16>(1);
  now.tcb_status = "OutOfDate";  // new collateral: policy, not drift
  now.advisory_ids = {};
  now.token_id = "another";
  now.issued_at += 300;
  now.expires_at += 300;
  CHECK(drift_between(pinned, now).empty());
}
