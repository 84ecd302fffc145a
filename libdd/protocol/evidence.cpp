#include <utility>

#include <nlohmann/json.hpp>

#include "dd/event_log.hpp"
#include "libdd/protocol/fields.hpp"
#include "libdd/protocol/fleet.hpp"
#include "libdd/protocol/log_reader.hpp"

namespace dd::protocol {
namespace {

constexpr std::size_t kMaxQuoteText = 256 * 1024;
constexpr TextRule kQuoteRule{1, kMaxQuoteText, nullptr, nullptr};

// Standard base64, as Intel's services and the enclave's socket take it (docs/wire.md, 1).
Bytes read_quote(ObjectReader& reader, const char* name) {
  auto quote = from_base64(reader.text(name, kQuoteRule));
  if (quote) return *std::move(quote);
  reader.problem(name, ErrorCode::malformed, "want base64");
  return {};
}

Bytes read_nonce(ObjectReader& reader, const char* name) {
  auto nonce = reader.base64url(name, 0);
  if (nonce.size() < 16 || nonce.size() > 64)
    reader.problem(name, ErrorCode::invalid_argument, "want base64url of 16..64 bytes");
  return nonce;
}

}  // namespace

Json to_json_value(const Evidence& evidence) {
  Json value = {
      {"quote_b64", to_base64(evidence.quote)},       {"runtime_data_b64u", to_base64url(evidence.runtime_data)},
      {"nonce", to_base64url(evidence.nonce)},        {"signing_key", evidence.signing_key.to_jwk()},
      {"sealing_key", evidence.sealing_key.to_jwk()}, {"log", to_json_value(evidence.log)},
      {"quoted_events", evidence.quoted_events}};
  put_text(value, "ita_token", evidence.ita_token);
  return value;
}

Result<Evidence> evidence_from(const Json& value) {
  ObjectReader reader(value, "$");
  Evidence evidence;
  evidence.quote = read_quote(reader, "quote_b64");
  evidence.runtime_data = reader.base64url("runtime_data_b64u", 0);
  evidence.nonce = read_nonce(reader, "nonce");
  evidence.signing_key = read_key(reader, "signing_key", crypto::Curve::ed25519);
  evidence.sealing_key = read_key(reader, "sealing_key", crypto::Curve::x25519);
  evidence.log = read_log_member(reader, "log", EventLog::kMaxEvents);
  evidence.quoted_events = reader.integer("quoted_events", 0, evidence.log.total);
  evidence.ita_token = reader.optional_text("ita_token", kTokenRule).value_or("");
  return finish(reader, std::move(evidence));
}

}  // namespace dd::protocol
