#include "libdd/protocol/registration.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "dd/event_log.hpp"
#include "libdd/crypto/canonical_json.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/protocol/fields.hpp"

namespace dd::protocol {
namespace {

constexpr TextRule kEnvLabelRule{0, 4096, valid_env_label, "1..17 of a-z, 0-9 and '-', no '-' at either end"};
constexpr std::int64_t kMostBodyBytes = 4 * 1024 * 1024;
constexpr std::int64_t kDaySeconds = 24 * 60 * 60;

// docs/wire.md, 5.2: the quote was made when the last event was either extended or still only announced.
std::int64_t read_quoted_events(ObjectReader& reader, std::size_t events) {
  const auto count = static_cast<std::int64_t>(events);
  return reader.integer("quoted_events", count == 0 ? 0 : count - 1, count);
}

}  // namespace

Json to_json_value(const ChallengeAnswer& answer) {
  return {{"nonce", to_base64url(answer.nonce)}, {"expires_in", answer.expires_in}};
}

Result<ChallengeAnswer> challenge_answer_from(const Json& value) {
  ObjectReader reader(value, "$");
  ChallengeAnswer answer;
  answer.nonce = read_digest256(reader, "nonce");
  answer.expires_in = reader.integer("expires_in", 1, kDaySeconds);
  return finish(reader, answer);
}

Json to_json_value(const RegisterHead& head) {
  return {{"aud", head.audience},
          {"iat", head.issued_at},
          {"vm_name", head.vm_name},
          {"nonce", to_base64url(head.nonce)},
          {"signing_key", head.signing_key.to_jwk()},
          {"body_sha256", to_base64url(head.body_sha256)},
          {"body_bytes", head.body_bytes}};
}

Result<RegisterHead> register_head_from(const Json& value) {
  ObjectReader reader(value, "$");
  RegisterHead head;
  head.audience = reader.text("aud", kAudienceRule);
  head.issued_at = read_count(reader, "iat");
  head.vm_name = read_vm_name(reader, "vm_name");
  head.nonce = read_digest256(reader, "nonce");
  head.signing_key = read_key(reader, "signing_key", crypto::Curve::ed25519);
  head.body_sha256 = read_digest256(reader, "body_sha256");
  head.body_bytes = reader.integer("body_bytes", 1, kMostBodyBytes);
  return finish(reader, std::move(head));
}

Json to_json_value(const RegisterClaims& claims) {
  return {{"aud", claims.audience},
          {"iat", claims.issued_at},
          {"vm_name", claims.vm_name},
          {"env_label", claims.env_label},
          {"owner", claims.owner},
          {"nonce", to_base64url(claims.nonce)},
          {"signing_key", claims.signing_key.to_jwk()},
          {"sealing_key", claims.sealing_key.to_jwk()},
          {"boot_id", claims.boot_id},
          {"extra_ingress", ingress_list(claims.extra_ingress)},
          {"agent_port", claims.agent_port},
          {"event_log", events_list(claims.event_log)},
          {"quoted_events", claims.quoted_events},
          {"ita_token", claims.ita_token}};
}

Result<RegisterClaims> register_claims_from(const Json& value, std::string path) {
  ObjectReader reader(value, std::move(path));
  RegisterClaims claims;
  claims.audience = reader.text("aud", kAudienceRule);
  claims.issued_at = read_count(reader, "iat");
  claims.vm_name = read_vm_name(reader, "vm_name");
  claims.env_label = reader.text("env_label", kEnvLabelRule);
  claims.owner = read_owner(reader, "owner");
  claims.nonce = read_digest256(reader, "nonce");
  claims.signing_key = read_key(reader, "signing_key", crypto::Curve::ed25519);
  claims.sealing_key = read_key(reader, "sealing_key", crypto::Curve::x25519);
  claims.boot_id = read_boot_id(reader, "boot_id");
  claims.extra_ingress = read_extra_ingress(reader, "extra_ingress");
  claims.agent_port = static_cast<std::uint16_t>(reader.integer("agent_port", 1, 65535));
  claims.event_log = read_events(reader, "event_log", EventLog::kMaxEvents);
  claims.quoted_events = read_quoted_events(reader, claims.event_log.size());
  claims.ita_token = reader.text("ita_token", kTokenRule);
  return finish(reader, std::move(claims));
}

Result<Digest256> hashed_claims(const Json& claims) {
  if (!claims.is_object()) return fail(ErrorCode::malformed, "cannot hash claims: want an object");
  auto bound = Json::object();
  for (const auto& [name, member] : claims.items())
    if (name != "ita_token" && name != "quoted_events" && name != "event_log") bound[name] = member;
  const auto text = crypto::canonical_json(bound);
  if (!text) return wrap(text.error(), "cannot hash claims");
  return crypto::sha256(as_bytes(*text));
}

Json to_json_value(const RegisterAnswer& answer) {
  return {{"agent_id", answer.agent_id},
          {"hostname", answer.hostname},
          {"cp_hostname", answer.cp_hostname},
          {"cp_key", answer.cp_key.to_jwk()},
          {"tunnel_token_sealed", to_base64url(answer.tunnel_token_sealed)},
          {"extra_hostnames", answer.extra_hostnames},
          {"poll_interval_secs", answer.poll_interval_secs},
          {"refresh_secs", answer.refresh_secs},
          {"verdict", embedded(answer.verdict)}};
}

Result<RegisterAnswer> register_answer_from(const Json& value) {
  ObjectReader reader(value, "$");
  RegisterAnswer answer;
  answer.agent_id = read_agent_id(reader, "agent_id");
  answer.hostname = read_hostname(reader, "hostname");
  answer.cp_hostname = read_hostname(reader, "cp_hostname");
  answer.cp_key = read_key(reader, "cp_key", crypto::Curve::ed25519);
  answer.tunnel_token_sealed = reader.base64url("tunnel_token_sealed", 0);
  answer.extra_hostnames = read_hostnames(reader, "extra_hostnames", kMaxExtraIngress);
  answer.poll_interval_secs = reader.integer("poll_interval_secs", 1, kDaySeconds);
  answer.refresh_secs = reader.integer("refresh_secs", 1, kDaySeconds);
  answer.verdict = read_embedded(reader, "verdict");
  return finish(reader, std::move(answer));
}

Json to_json_value(const TunnelAnswer& answer) {
  Json value = {{"agent_id", answer.agent_id}};
  if (answer.tunnel_token_sealed) value["tunnel_token_sealed"] = to_base64url(*answer.tunnel_token_sealed);
  return value;
}

Result<TunnelAnswer> tunnel_answer_from(const Json& value) {
  ObjectReader reader(value, "$");
  TunnelAnswer answer;
  answer.agent_id = read_agent_id(reader, "agent_id");
  if (reader.find("tunnel_token_sealed") != nullptr)
    answer.tunnel_token_sealed = reader.base64url("tunnel_token_sealed", 0);
  return finish(reader, std::move(answer));
}

}  // namespace dd::protocol
