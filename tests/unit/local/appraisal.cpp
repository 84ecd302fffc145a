#include "libdd/local/appraisal.hpp"

#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "dd/clock.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/ita/token_claims.hpp"
#include "tests/unit/local/simulated_evidence.hpp"

using namespace dd;
using namespace dd::local;
using nlohmann::json;

namespace {

const Bytes kData = to_bytes("bound data");

AppraisalRequest good_request() {
  AppraisalRequest request;
  const auto quote = simulated_quote(crypto::sha512(kData));
  request.quote.assign(quote.raw().begin(), quote.raw().end());
  request.runtime_data = kData;
  return request;
}

AppraisalTerms good_terms() {
  AppraisalTerms terms;
  terms.roots_pem = {simulator_root().certificate_pem};
  terms.issuer = "http://127.0.0.1:1";
  terms.now = system_clock().unix_seconds();
  return terms;
}

ita::TokenRules rules_of(const AppraisalTerms& terms) {
  ita::TokenRules rules;
  rules.issuer = terms.issuer;
  rules.attester_type = terms.attester_type;
  rules.simulated = true;
  rules.now = terms.now;
  return rules;
}

}  // namespace

TEST_CASE("the evidence is read from where each version of the call has it") {
  const auto quote = to_base64(to_bytes("quote"));
  const json flat = {{"quote", quote}, {"runtime_data", to_base64(kData)}};
  const json nested = {{"tdx", flat}, {"token_signing_alg", "RS256"}};
  const auto first = read_appraisal_request(flat.dump(), AppraisalVersion::v1);
  REQUIRE(first.has_value());
  CHECK(first->quote == to_bytes("quote"));
  CHECK(first->runtime_data == kData);
  CHECK(first->algorithm == crypto::Algorithm::ps384);

  const auto second = read_appraisal_request(nested.dump(), AppraisalVersion::v2);
  REQUIRE(second.has_value());
  CHECK(second->quote == first->quote);
  CHECK(second->algorithm == crypto::Algorithm::rs256);
  CHECK(read_appraisal_request(flat.dump(), AppraisalVersion::v2).has_value());

  const auto bare = read_appraisal_request(json{{"quote", quote}}.dump(), AppraisalVersion::v1);
  REQUIRE(bare.has_value());
  CHECK_FALSE(bare->runtime_data.has_value());
}

TEST_CASE("a request that is none is refused with the field's path") {
  const struct {
    const char* name;
    const char* body;
    AppraisalVersion version;
    const char* path;
  } cases[] = {
      {"no JSON", "quote", AppraisalVersion::v1, ""},
      {"an array", "[]", AppraisalVersion::v1, "$"},
      {"no quote", "{}", AppraisalVersion::v1, "$.quote"},
      {"quote is no text", R"({"quote":7})", AppraisalVersion::v1, "$.quote"},
      {"quote in base64url", R"({"quote":"-_-_"})", AppraisalVersion::v1, "$.quote"},
      {"quote without padding", R"({"quote":"YQ"})", AppraisalVersion::v1, "$.quote"},
      {"runtime data is no base64", R"({"quote":"YQ==","runtime_data":"!"})", AppraisalVersion::v1, "$.runtime_data"},
      {"a nonce that it never issued", R"({"quote":"YQ==","verifier_nonce":{}})", AppraisalVersion::v1,
       "$.verifier_nonce"},
      {"another algorithm", R"({"quote":"YQ==","token_signing_alg":"HS256"})", AppraisalVersion::v1,
       "$.token_signing_alg"},
      {"nested at version 1", R"({"tdx":{"quote":"YQ=="}})", AppraisalVersion::v1, "$.quote"},
      {"nothing nested", R"({"tdx":{}})", AppraisalVersion::v2, "$.tdx.quote"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto request = read_appraisal_request(c.body, c.version);
    REQUIRE_FALSE(request.has_value());
    CHECK(request.error().path == c.path);
  }
}

TEST_CASE("what the service says of a quote is what the token verifier reads") {
  for (const auto version : {AppraisalVersion::v1, AppraisalVersion::v2}) {
    auto terms = good_terms();
    terms.tcb_status = "OutOfDate";
    terms.lifetime = std::chrono::seconds(7);
    const auto request = good_request();
    const auto payload = appraise(request, terms, version);
    REQUIRE(payload.has_value());
    const auto claims = ita::read_token_claims(*payload, rules_of(terms));
    REQUIRE(claims.has_value());
    CHECK(claims->report == Quote::parse(request.quote)->report());
    CHECK(claims->tcb_status == "OutOfDate");
    CHECK(claims->attester_type == "TDX-SIMULATED");
    CHECK(claims->simulated);
    CHECK(claims->debug);
    CHECK(claims->issued_at == terms.now);
    CHECK(claims->expires_at == terms.now + 7);
    CHECK(claims->token_id.size() == 36);
    const auto& evidence = version == AppraisalVersion::v1 ? *payload : payload->at("tdx");
    CHECK(evidence.at("attester_held_data") == to_base64(kData));
    CHECK(evidence.at("tdx_is_debuggable") == true);
    CHECK(evidence.at("dbgstat") == "enabled");
  }
}

TEST_CASE("a simulated quote is not taken for a genuine one") {
  auto terms = good_terms();
  const auto payload = appraise(good_request(), terms, AppraisalVersion::v1);
  REQUIRE(payload.has_value());
  auto rules = rules_of(terms);
  rules.attester_type = "TDX";
  rules.simulated = false;
  CHECK_FALSE(ita::read_token_claims(*payload, rules).has_value());
}

TEST_CASE("the debug claims follow the attributes") {
  TdReport report;
  report.td_attributes = std::uint64_t{1} << 28;
  const auto production = quote_claims(report);
  CHECK(production.at("tdx_td_attributes") == "0000001000000000");
  CHECK(production.at("tdx_td_attributes_debug") == false);
  CHECK(production.at("tdx_is_debuggable") == false);
  CHECK(production.at("dbgstat") == "disabled");
  CHECK(production.at("tdx_td_attributes_septve_disable") == true);
  report.td_attributes = 1;
  CHECK(quote_claims(report).at("tdx_td_attributes_debug") == true);
  CHECK(quote_claims(report).at("dbgstat") == "enabled");
}

TEST_CASE("evidence that does not hold is refused") {
  SUBCASE("a quote under another root") {
    auto terms = good_terms();
    terms.roots_pem = {attest::make_simulator_root().value().certificate_pem};
    const auto payload = appraise(good_request(), terms, AppraisalVersion::v1);
    REQUIRE_FALSE(payload.has_value());
    CHECK(payload.error().code == ErrorCode::unauthenticated);
  }
  SUBCASE("no root at all") {
    auto terms = good_terms();
    terms.roots_pem.clear();
    REQUIRE_FALSE(appraise(good_request(), terms, AppraisalVersion::v1).has_value());
  }
  SUBCASE("other runtime data than the quote is bound to") {
    auto request = good_request();
    request.runtime_data->back() ^= std::byte{1};
    const auto payload = appraise(request, good_terms(), AppraisalVersion::v1);
    REQUIRE_FALSE(payload.has_value());
    CHECK(payload.error().message == "cannot appraise quote: SHA-512 of runtime_data is not its REPORTDATA");
  }
  SUBCASE("a quote with a changed measurement") {
    auto request = good_request();
    request.quote[184] ^= std::byte{1};
    REQUIRE_FALSE(appraise(request, good_terms(), AppraisalVersion::v1).has_value());
  }
  SUBCASE("no quote") {
    auto request = good_request();
    request.quote.resize(100);
    REQUIRE_FALSE(appraise(request, good_terms(), AppraisalVersion::v1).has_value());
  }
}

TEST_CASE("the second of two roots is tried too") {
  auto terms = good_terms();
  terms.roots_pem.insert(terms.roots_pem.begin(), attest::make_simulator_root().value().certificate_pem);
  CHECK(appraise(good_request(), terms, AppraisalVersion::v1).has_value());
}
