#include "libdd/enclave_client/answer.hpp"

#include <nlohmann/json.hpp>

#include "libdd/net/line_socket.hpp"

namespace dd::enclave_client {
namespace {

Error refusal_from(const Json& answer) {
  ObjectReader reader(answer, "$");
  Error refusal;
  refusal.message = reader.text("error");
  refusal.code = error_code_from(reader.optional_text("code").value_or("internal"));
  refusal.path = reader.optional_text("path").value_or("");
  refusal.reason = reader.optional_text("reason").value_or("");
  if (reader.error()) return {ErrorCode::upstream, "cannot read the runtime's answer: " + reader.error()->message};
  // easyenclave knows no codes, only these words.
  if (refusal.message == "unauthenticated") refusal.code = ErrorCode::unauthenticated;
  if (refusal.message.starts_with("unknown method")) refusal.code = ErrorCode::unsupported;
  return refusal;
}

}  // namespace

Result<Json> answer_from(std::string_view line) {
  auto answer = parse_json(line, {.max_bytes = net::LineClient::kMaxAnswer});
  if (!answer) return fail(ErrorCode::upstream, "cannot read the runtime's answer: " + answer.error().message);
  ObjectReader reader(*answer, "$");
  const bool ok = reader.required_boolean("ok");
  if (reader.error()) return fail(ErrorCode::upstream, "cannot read the runtime's answer: " + reader.error()->message);
  if (!ok) return tl::unexpected(refusal_from(*answer));
  return answer;
}

}  // namespace dd::enclave_client
