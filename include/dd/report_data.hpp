// What a quote is bound to: REPORTDATA = SHA-512(P), P = SHA-256(tag) ‖ fields of 32 bytes (docs/wire.md, 4).
#pragma once

#include <string>
#include <string_view>

#include "dd/bytes.hpp"
#include "dd/quote.hpp"

namespace dd {

inline constexpr std::string_view kRegisterTag = "dd/register/v1";
inline constexpr std::string_view kRefreshTag = "dd/refresh/v1";
inline constexpr std::string_view kAttestTag = "dd/attest/v1";

struct RegisterBinding {
  Digest256 nonce{};
  std::string cp_origin;
  Bytes signing_spki;
  Bytes sealing_spki;
  Digest384 log_head{};
  Digest256 claims_sha256{};
};

struct RefreshBinding {
  Digest256 nonce{};
  std::string cp_origin;
  std::string agent_id;
  Bytes signing_spki;
  Digest384 log_head{};
};

struct AttestBinding {
  Bytes nonce;  // the caller's, 16..64 bytes
  Bytes signing_spki;
  Bytes sealing_spki;
  Digest384 log_head{};
};

/// P: what goes to Intel Trust Authority as runtime_data.
[[nodiscard]] Bytes bound_data(const RegisterBinding& binding);
[[nodiscard]] Bytes bound_data(const RefreshBinding& binding);
[[nodiscard]] Bytes bound_data(const AttestBinding& binding);

/// SHA-512(P).
[[nodiscard]] ReportData report_data_of(ByteView bound);

}  // namespace dd
