// A good token payload of either version, for tests to spoil.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "libdd/ita/token_claims.hpp"

namespace dd::ita {

inline constexpr std::int64_t kNow = 1'790'000'000;
inline const std::string kIssuer = "https://portal.trustauthority.intel.com";

inline std::string repeated(const char* two_digits, std::size_t bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes; ++i) out += two_digits;
  return out;
}

/// The claims that version 2 moves into `tdx`.
inline nlohmann::json tdx_part() {
  return {{"tdx_tee_tcb_svn", "03010200000000000000000000000000"},
          {"tdx_mrseam", repeated("a1", 48)},
          {"tdx_mrsignerseam", repeated("00", 48)},
          {"tdx_seam_attributes", "0000000000000000"},
          {"tdx_td_attributes", "0000001000000000"},
          {"tdx_xfam", "e718060000000000"},
          {"tdx_mrtd", repeated("a2", 48)},
          {"tdx_mrconfigid", repeated("a3", 48)},
          {"tdx_mrowner", repeated("a4", 48)},
          {"tdx_mrownerconfig", repeated("a5", 48)},
          {"tdx_rtmr0", repeated("b0", 48)},
          {"tdx_rtmr1", repeated("b1", 48)},
          {"tdx_rtmr2", repeated("b2", 48)},
          {"tdx_rtmr3", repeated("b3", 48)},
          {"tdx_report_data", repeated("cd", 64)},
          {"tdx_is_debuggable", false},
          {"tdx_td_attributes_debug", false},
          {"dbgstat", "disabled"},
          {"attester_type", "TDX"},
          {"attester_tcb_status", "UpToDate"},
          {"attester_advisory_ids", {"INTEL-SA-00828"}}};
}

inline nlohmann::json jwt_part() {
  return {{"iss", kIssuer},
          {"iat", kNow - 10},
          {"nbf", kNow - 10},
          {"exp", kNow + 290},
          {"jti", "5f1c2f1e-0000-4000-8000-000000000001"}};
}

inline nlohmann::json v1_payload() {
  auto payload = jwt_part();
  payload.update(tdx_part());
  payload["ver"] = "1.0.0";
  return payload;
}

inline nlohmann::json v2_payload() {
  auto payload = jwt_part();
  payload["tdx"] = tdx_part();
  payload["ver"] = "2.0.0";
  payload["appraisal"] = {{"method", "default"}, {"ver", 2}};
  return payload;
}

inline TokenRules good_rules() {
  TokenRules rules;
  rules.issuer = kIssuer;
  rules.now = kNow;
  return rules;
}

}  // namespace dd::ita
