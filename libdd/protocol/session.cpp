#include "libdd/protocol/session.hpp"

#include <nlohmann/json.hpp>

#include "libdd/protocol/fields.hpp"

namespace dd::protocol {
namespace {

constexpr TextRule kLoginRule{1, 128, nullptr, nullptr};
constexpr TextRule kSessionIdRule{1, kLongestSessionId, nullptr, nullptr};
constexpr TextRule kSessionTokenRule{1, 8192, nullptr, nullptr};

SessionClaims read_session(ObjectReader& reader) {
  SessionClaims claims;
  claims.audience = reader.text("aud", kAudienceRule);
  claims.login = reader.text("sub", kLoginRule);
  claims.user_id = reader.integer("user_id", 1, kMaxInteger);
  claims.issued_at = read_count(reader, "iat");
  claims.expires_at = read_count(reader, "exp");
  claims.id = reader.text("jti", kSessionIdRule);
  claims.from = reader.texts("from", kMostAncestors, kSessionIdRule);
  return claims;
}

}  // namespace

Json to_json_value(const SessionClaims& claims) {
  Json value = {{"aud", claims.audience},  {"sub", claims.login},      {"user_id", claims.user_id},
                {"iat", claims.issued_at}, {"exp", claims.expires_at}, {"jti", claims.id}};
  if (!claims.from.empty()) value["from"] = claims.from;
  return value;
}

Result<SessionClaims> session_claims_from(const Json& value) {
  ObjectReader reader(value, "$");
  auto claims = read_session(reader);
  return finish(reader, std::move(claims));
}

Json to_json_value(const HandoffClaims& claims) {
  auto value = to_json_value(claims.base);
  value["browser_sha256"] = to_base64url(claims.browser);
  value["session_exp"] = claims.session_expires_at;
  return value;
}

Result<HandoffClaims> handoff_claims_from(const Json& value) {
  ObjectReader reader(value, "$");
  HandoffClaims claims;
  claims.base = read_session(reader);
  claims.browser = read_digest256(reader, "browser_sha256");
  claims.session_expires_at = read_count(reader, "session_exp");
  return finish(reader, std::move(claims));
}

Result<TokenRequest> token_request_from(const Json& value) {
  ObjectReader reader(value, "$");
  TokenRequest request{read_agent_id(reader, "aud")};
  return finish(reader, std::move(request));
}

Json to_json_value(const TokenAnswer& answer) { return {{"token", answer.token}, {"expires_in", answer.expires_in}}; }

Json to_json_value(const LinkAnswer& answer) { return {{"url", answer.url}, {"expires_in", answer.expires_in}}; }

Result<LinkAnswer> link_answer_from(const Json& value) {
  ObjectReader reader(value, "$");
  LinkAnswer answer;
  answer.url = reader.text("url");
  answer.expires_in = read_count(reader, "expires_in");
  return finish(reader, std::move(answer));
}

}  // namespace dd::protocol
