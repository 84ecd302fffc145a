// The part of DCAP verification that needs no collateral.
#pragma once

#include <cstdint>
#include <string_view>

#include "dd/quote.hpp"

namespace dd::attest {

/// Signature-only check of a quote under `root_pem` (steps 1-4, 10, 11, 13 of DCAP): chain, dates, QE report, key binding, quote signature.
/// Says nothing about the TCB. `now` in unix seconds. Errors: unauthenticated naming the step.
[[nodiscard]] Result<void> verify_quote_signature(const Quote& quote, std::string_view root_pem, std::int64_t now);

}  // namespace dd::attest
