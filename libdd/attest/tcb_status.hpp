// The TCB statuses of a token or of a DCAP verdict, in Intel's words (spec of the TDX attestation claim `attester_tcb_status`).
#pragma once

#include <string_view>

namespace dd::attest {

/// Whether a policy may allow this status. `Revoked` and words that Intel does not use are not among them.
[[nodiscard]] bool acceptable_tcb_status(std::string_view text) noexcept;

}  // namespace dd::attest
