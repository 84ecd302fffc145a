// What a verified attestation says of a TD, whoever verified it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dd/quote.hpp"

namespace dd {

/// Claims of a verified token, decoded. Plain value.
struct TdxClaims {
  TdReport report;
  std::string tcb_status;  // "UpToDate", ...; "" when the token has none
  std::vector<std::string> advisory_ids;
  std::string attester_type;  // "TDX"; the simulator's own word otherwise
  bool debug = false;         // any debug claim, or the debug byte
  std::string issuer;
  std::string token_id;   // jti
  std::int64_t issued_at = 0;
  std::int64_t expires_at = 0;
  bool simulated = false;
  /// It names data that its quote was bound to: attester_held_data, attester_runtime_data or attester_user_data. Not kept in the registry.
  bool names_data = false;

  bool operator==(const TdxClaims&) const = default;
};

/// For the registry. `from` refuses anything that `to` would not write.
[[nodiscard]] nlohmann::json to_json_value(const TdxClaims& claims);
[[nodiscard]] Result<TdxClaims> tdx_claims_from(const nlohmann::json& value);

/// One field that differs between registration and now (drift).
struct Drift {
  std::string field;
  std::string before;
  std::string after;
};
/// Every constant of a TD's life that differs, RTMR3 left out (the log explains it). Empty: no drift.
[[nodiscard]] std::vector<Drift> drift_between(const TdxClaims& pinned, const TdxClaims& now);

}  // namespace dd
