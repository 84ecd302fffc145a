#include "libdd/local/appraisal.hpp"

#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "dd/random.hpp"
#include "libdd/attest/quote_signature.hpp"
#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd::local {
namespace {

constexpr TextRule kEvidence{1, 500'000};

std::string hex_of(std::uint64_t attributes) {
  std::array<std::byte, 8> bytes{};
  for (auto& byte : bytes) {
    byte = static_cast<std::byte>(attributes & 0xff);
    attributes >>= 8;
  }
  return to_hex(bytes);
}

bool bit(std::uint64_t attributes, int number) { return (attributes >> number & 1) != 0; }

/// RFC 9562, version 4.
std::string random_uuid() {
  std::array<std::byte, 16> bytes{};
  system_random().fill(bytes);
  bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  auto text = to_hex(bytes);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) text.insert(at, "-");
  return text;
}

Result<crypto::Algorithm> read_algorithm(const Json& body) {
  ObjectReader reader(body, "$");
  const auto name = reader.optional_text("token_signing_alg", {1, 16}).value_or("PS384");
  if (reader.error()) return tl::unexpected(*reader.error());
  if (name == "PS384") return crypto::Algorithm::ps384;
  if (name == "RS256") return crypto::Algorithm::rs256;
  return fail_at(ErrorCode::invalid_argument, "$.token_signing_alg",
                 "cannot read $.token_signing_alg: want PS384 or RS256");
}

Result<AppraisalRequest> read_evidence(const Json& evidence, const std::string& path) {
  ObjectReader reader(evidence, path);
  const auto quote = from_base64(reader.text("quote", kEvidence));
  if (!quote) reader.problem("quote", ErrorCode::malformed, "want base64");
  AppraisalRequest request;
  if (const auto text = reader.optional_text("runtime_data", {0, kEvidence.most})) {
    auto data = from_base64(*text);
    if (data)
      request.runtime_data = *std::move(data);
    else
      reader.problem("runtime_data", ErrorCode::malformed, "want base64");
  }
  if (reader.find("verifier_nonce") != nullptr)
    reader.problem("verifier_nonce", ErrorCode::unsupported, "this service issues none");
  if (reader.error()) return tl::unexpected(*reader.error());
  request.quote = *quote;
  return request;
}

Result<void> check_signature(const Quote& quote, const AppraisalTerms& terms) {
  Result<void> last = fail(ErrorCode::unauthenticated, "cannot verify quote: no root is configured");
  for (const auto& root : terms.roots_pem) {
    last = attest::verify_quote_signature(quote, root, terms.now);
    if (last) return last;
  }
  return last;
}

Json token_claims(const AppraisalTerms& terms) {
  return {{"iss", terms.issuer},  {"iat", terms.now},
          {"nbf", terms.now},     {"exp", terms.now + terms.lifetime.count()},
          {"jti", random_uuid()}, {"eat_profile", terms.issuer + "/eat_profile.html"},
          {"intuse", "generic"}};
}

}  // namespace

Result<AppraisalRequest> read_appraisal_request(std::string_view body, AppraisalVersion version) {
  const auto json = parse_json(body);
  if (!json) return tl::unexpected(json.error());
  if (!json->is_object()) return fail_at(ErrorCode::malformed, "$", "cannot read $: want an object");
  const auto algorithm = read_algorithm(*json);
  if (!algorithm) return tl::unexpected(algorithm.error());
  const bool nested = version == AppraisalVersion::v2 && json->contains("tdx");
  auto request = nested ? read_evidence(json->at("tdx"), "$.tdx") : read_evidence(*json, "$");
  if (request) request->algorithm = *algorithm;
  return request;
}

Result<Json> appraise(const AppraisalRequest& request, const AppraisalTerms& terms, AppraisalVersion version) {
  const auto quote = Quote::parse(request.quote);
  if (!quote) return tl::unexpected(quote.error());
  if (const auto signature = check_signature(*quote, terms); !signature) return tl::unexpected(signature.error());
  if (request.runtime_data && crypto::sha512(*request.runtime_data) != quote->report().report_data)
    return fail(ErrorCode::invalid_argument, "cannot appraise quote: SHA-512 of runtime_data is not its REPORTDATA");

  auto evidence = quote_claims(quote->report());
  evidence["attester_type"] = terms.attester_type;
  evidence["attester_tcb_status"] = terms.tcb_status;
  if (request.runtime_data) evidence["attester_held_data"] = to_base64(*request.runtime_data);
  auto payload = token_claims(terms);
  payload["ver"] = version == AppraisalVersion::v1 ? "1.0.0" : "2.0.0";
  if (version == AppraisalVersion::v1)
    payload.update(evidence);
  else
    payload["tdx"] = std::move(evidence);
  return payload;
}

Json quote_claims(const TdReport& report) {
  const auto attributes = report.td_attributes;
  const auto svn = [&report](std::size_t i) { return std::to_integer<int>(report.tee_tcb_svn[i]); };
  return {{"tdx_tee_tcb_svn", to_hex(report.tee_tcb_svn)},
          {"tdx_seamsvn", svn(1) * 256 + svn(0)},
          {"tdx_mrseam", to_hex(report.mrseam)},
          {"tdx_mrsignerseam", to_hex(report.mrsignerseam)},
          {"tdx_seam_attributes", hex_of(report.seam_attributes)},
          {"tdx_td_attributes", hex_of(attributes)},
          {"tdx_td_attributes_debug", bit(attributes, 0)},
          {"tdx_td_attributes_septve_disable", bit(attributes, 28)},
          {"tdx_td_attributes_protection_keys", bit(attributes, 30)},
          {"tdx_td_attributes_key_locker", bit(attributes, 31)},
          {"tdx_td_attributes_perfmon", bit(attributes, 63)},
          {"tdx_is_debuggable", report.debug()},
          {"dbgstat", report.debug() ? "enabled" : "disabled"},
          {"tdx_xfam", hex_of(report.xfam)},
          {"tdx_mrtd", to_hex(report.mrtd)},
          {"tdx_mrconfigid", to_hex(report.mrconfigid)},
          {"tdx_mrowner", to_hex(report.mrowner)},
          {"tdx_mrownerconfig", to_hex(report.mrownerconfig)},
          {"tdx_rtmr0", to_hex(report.rtmr[0])},
          {"tdx_rtmr1", to_hex(report.rtmr[1])},
          {"tdx_rtmr2", to_hex(report.rtmr[2])},
          {"tdx_rtmr3", to_hex(report.rtmr[3])},
          {"tdx_report_data", to_hex(report.report_data)}};
}

}  // namespace dd::local
