#include "libdd/enclave/report_data_field.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace dd::enclave {
namespace {

Result<Bytes> decode(const std::string& text, const char* name) {
  // easyenclave's trap, kept for `nonce` alone: base64 text of hex digits is taken for hex.
  if (const auto hex = from_hex(text); std::string_view(name) == "nonce" && !text.empty() && hex) return *hex;
  auto bytes = from_base64(text);
  if (bytes) return bytes;
  return fail_at(ErrorCode::malformed, std::string("$.") + name,
                 std::string("invalid ") + name + " base64: " + bytes.error().message);
}

}  // namespace

Result<Bytes> report_data_from(const Json& request) {
  ObjectReader reader(request, "$");
  const auto newer = reader.optional_text("report_data_b64");
  const auto legacy = reader.optional_text("nonce");
  if (reader.error()) return tl::unexpected(*reader.error());
  auto bytes = newer ? decode(*newer, "report_data_b64") : decode(legacy.value_or(""), "nonce");
  if (bytes && bytes->size() > sizeof(ReportData))
    return fail(ErrorCode::too_large, "TDX report data is " + std::to_string(bytes->size()) + " bytes; maximum is 64");
  return bytes;
}

ReportData padded(ByteView bytes) {
  ReportData out{};
  std::ranges::copy(bytes, out.begin());
  return out;
}

}  // namespace dd::enclave
