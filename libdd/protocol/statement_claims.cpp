#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/protocol/fields.hpp"
#include "libdd/protocol/health.hpp"

namespace dd::protocol {
namespace {

constexpr TextRule kPartyRule{1, 1024, nullptr, nullptr};

bool is_method(std::string_view text) {
  return !text.empty() && text.size() <= 16 && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_target(std::string_view text) { return text.starts_with('/'); }

constexpr TextRule kMethodRule{0, 4096, is_method, "an HTTP method"};
constexpr TextRule kTargetRule{0, 8192, is_target, "a path with its query"};

// docs/wire.md, 3: who, for whom, when.
template <class Claims>
void read_parties(ObjectReader& reader, Claims& claims) {
  claims.audience = reader.text("aud", kPartyRule);
  claims.issuer = reader.text("iss", kPartyRule);
  claims.issued_at = read_count(reader, "iat");
}

template <class Claims>
Json parties(const Claims& claims) {
  return {{"aud", claims.audience}, {"iss", claims.issuer}, {"iat", claims.issued_at}};
}

std::vector<EndedSession> read_signed_out(ObjectReader& reader) {
  constexpr auto kName = "signed_out";
  const auto* ended = reader.find(kName);
  if (ended == nullptr) return {};
  const auto good = [](const auto& member) {
    return !member.key().empty() && member.key().size() <= kLongestSessionId && member.value().is_number_integer() &&
           member.value().template get<std::int64_t>() >= 0;
  };
  bool all_good = ended->is_object() && ended->size() <= kMostSignedOut;
  std::vector<EndedSession> sessions;
  for (auto member = ended->begin(); all_good && member != ended->end(); ++member) {
    all_good = good(member);
    if (all_good) sessions.push_back({member.key(), member.value().get<std::int64_t>()});
  }
  if (!all_good) reader.problem(kName, ErrorCode::malformed, "want an object of ids, each with a time");
  return sessions;
}

}  // namespace

Json to_json_value(const PollClaims& claims) {
  auto value = parties(claims);
  value["exp"] = claims.expires_at;
  value["nonce"] = to_base64url(claims.nonce);
  value["log_from"] = claims.log_from;
  for (const auto& session : claims.signed_out) value["signed_out"][session.id] = session.expires_at;
  if (claims.all_over_until > 0) value["all_over_until"] = claims.all_over_until;
  return value;
}

Result<PollClaims> poll_claims_from(const Json& value) {
  ObjectReader reader(value, "$");
  PollClaims claims;
  read_parties(reader, claims);
  claims.expires_at = read_count(reader, "exp");
  claims.nonce = read_digest256(reader, "nonce");
  claims.log_from = read_count(reader, "log_from");
  claims.signed_out = read_signed_out(reader);
  claims.all_over_until = reader.optional_integer("all_over_until", 0, std::int64_t{1} << 53).value_or(0);
  return finish(reader, std::move(claims));
}

Json to_json_value(const ProofClaims& claims) {
  auto value = parties(claims);
  value["boot_id"] = claims.boot_id;
  value["nonce"] = to_base64url(claims.nonce);
  value["token_sha256"] = to_base64url(claims.token_sha256);
  value["body_sha256"] = to_base64url(claims.body_sha256);
  value["log_head"] = to_hex(claims.log_head);
  value["seq"] = claims.seq;
  return value;
}

Result<ProofClaims> proof_claims_from(const Json& value) {
  ObjectReader reader(value, "$");
  ProofClaims claims;
  read_parties(reader, claims);
  claims.boot_id = read_boot_id(reader, "boot_id");
  claims.nonce = read_digest256(reader, "nonce");
  claims.token_sha256 = read_digest256(reader, "token_sha256");
  claims.body_sha256 = read_digest256(reader, "body_sha256");
  claims.log_head = read_digest384(reader, "log_head");
  claims.seq = read_count(reader, "seq");
  return finish(reader, std::move(claims));
}

Json to_json_value(const CallClaims& claims) {
  auto value = parties(claims);
  value["method"] = claims.method;
  value["path"] = claims.path;
  value["body_sha256"] = to_base64url(claims.body_sha256);
  value["seq"] = claims.seq;
  return value;
}

Result<CallClaims> call_claims_from(const Json& value) {
  ObjectReader reader(value, "$");
  CallClaims claims;
  read_parties(reader, claims);
  claims.method = reader.text("method", kMethodRule);
  claims.path = reader.text("path", kTargetRule);
  claims.body_sha256 = read_digest256(reader, "body_sha256");
  claims.seq = read_count(reader, "seq");
  return finish(reader, std::move(claims));
}

}  // namespace dd::protocol
