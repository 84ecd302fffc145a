// What the local attestation service does with evidence: reads the request of Intel Trust Authority's attest calls, verifies the quote, and says
// in ITA's claims what the quote says.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dd/bytes.hpp"
#include "dd/quote.hpp"
#include "libdd/crypto/jws.hpp"

namespace dd::local {

/// Which of the two calls was made; version 2 nests the evidence and the claims in `tdx`.
enum class AppraisalVersion { v1, v2 };

struct AppraisalRequest {
  Bytes quote;
  /// Absent: REPORTDATA may be anything.
  std::optional<Bytes> runtime_data;
  crypto::Algorithm algorithm = crypto::Algorithm::ps384;
};
/// Takes the flat form at both versions, as the vendor's client sends it, and the nested one at version 2.
/// Errors: malformed, invalid_argument; unsupported for a verifier_nonce, which this service does not issue.
[[nodiscard]] Result<AppraisalRequest> read_appraisal_request(std::string_view body, AppraisalVersion version);

/// Under which conditions, and as who, evidence is appraised.
struct AppraisalTerms {
  std::vector<std::string> roots_pem;
  std::string issuer;
  std::string attester_type = "TDX-SIMULATED";
  std::string tcb_status = "UpToDate";
  std::chrono::seconds lifetime{300};
  std::int64_t now = 0;  // unix seconds
};
/// Signature under one of the roots, then SHA-512(runtime_data) against REPORTDATA. The payload of a token comes back.
/// Errors: unauthenticated, invalid_argument, or as Quote::parse.
[[nodiscard]] Result<nlohmann::json> appraise(const AppraisalRequest& request, const AppraisalTerms& terms,
                                              AppraisalVersion version);

/// The claims of a quote, hex in the quote's byte order. The debug claims say what its attributes say.
[[nodiscard]] nlohmann::json quote_claims(const TdReport& report);

}  // namespace dd::local
