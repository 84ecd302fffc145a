#include "libdd/crypto/statement.hpp"

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"

namespace dd::crypto {
namespace {

constexpr std::size_t kHeaderMembers = 3;  // alg, kid, typ
constexpr std::size_t kMaxStatement = 64 * 1024;
constexpr std::size_t kMaxRegistration = 4 * 1024 * 1024;  // carries the whole event log
constexpr std::int64_t kFutureSeconds = 60;
constexpr std::int64_t kLargestTime = std::int64_t{1} << 53;

tl::unexpected<Error> refused_statement(std::string_view typ, const std::string& what) {
  return fail(ErrorCode::unauthenticated, "signature_invalid", "cannot accept " + std::string(typ) + ": " + what);
}

}  // namespace

Result<ParsedJws> parse_statement(std::string_view compact, std::string_view typ) {
  auto jws = parse_jws(compact, {Algorithm::eddsa}, typ == kRegisterTyp ? kMaxRegistration : kMaxStatement);
  if (!jws) return jws;
  if (jws->header_size != kHeaderMembers || jws->typ != typ)
    return refused_statement(typ, "its header must hold alg, kid and this typ, and nothing else");
  return jws;
}

Result<void> verify_statement(const ParsedJws& statement, const OkpPublicKey& key, const StatementRule& rule) {
  if (statement.typ != rule.typ) return refused_statement(rule.typ, "it is a statement of another kind");
  if (statement.kid != key.kid()) return refused_statement(rule.typ, "it names another key");
  if (!verify(key, as_bytes(statement.signing_input), statement.signature))
    return refused_statement(rule.typ, "its signature does not verify");

  ObjectReader reader(*statement.claims, "$");
  const auto audience = reader.text("aud");
  const auto issued_at = reader.integer("iat", 0, kLargestTime);
  const auto expires_at = reader.optional_integer("exp", 0, kLargestTime);
  if (reader.error()) return refused_statement(rule.typ, reader.error()->message);
  if (audience != rule.audience) return refused_statement(rule.typ, "it is for another audience");
  if (issued_at > rule.now + kFutureSeconds) return refused_statement(rule.typ, "it was issued in the future");
  if (rule.expiry == Expiry::required && !expires_at) return refused_statement(rule.typ, "exp is missing");
  if (expires_at && *expires_at <= rule.now) return refused_statement(rule.typ, "it has expired");
  return {};
}

}  // namespace dd::crypto
