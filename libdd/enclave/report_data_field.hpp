// The report data of an `attest` request, in its newer and its legacy spelling.
#pragma once

#include "dd/quote.hpp"
#include "libdd/core/json.hpp"

namespace dd::enclave {

/// `report_data_b64`, else `nonce` (hex when it can be hex, else base64), else nothing: at most 64 bytes. Errors: malformed, too_large.
[[nodiscard]] Result<Bytes> report_data_from(const Json& request);
/// Zeros up to 64 bytes.
[[nodiscard]] ReportData padded(ByteView bytes);

}  // namespace dd::enclave
