#include "libdd/protocol/holder.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/protocol/fields.hpp"

namespace dd::protocol {
namespace {

constexpr TextRule kOriginRule{1, 1024, nullptr, nullptr};
constexpr TextRule kStatementRule{1, 4096, nullptr, nullptr};

HolderEvidence read_evidence(ObjectReader& outer, const Json& value) {
  ObjectReader reader(value, outer.path_of("evidence"));
  HolderEvidence evidence;
  evidence.ita_token = reader.text("ita_token", kTokenRule);
  evidence.nonce = reader.base64url("nonce", 0);
  if (evidence.nonce.size() < 16 || evidence.nonce.size() > 64)
    reader.problem("nonce", ErrorCode::invalid_argument, "want base64url of 16..64 bytes");
  evidence.log_head = read_digest384(reader, "log_head");
  if (reader.error()) outer.problem(*reader.error());
  return evidence;
}

}  // namespace

Json to_json_value(const HolderClaims& claims) {
  return {{"aud", claims.audience},
          {"iat", claims.issued_at},
          {"nonce", to_base64url(claims.nonce)},
          {"tunnel", claims.tunnel},
          {"token_sha256", to_base64url(claims.token_sha256)}};
}

Result<HolderClaims> holder_claims_from(const Json& value) {
  ObjectReader reader(value, "$");
  HolderClaims claims;
  claims.audience = reader.text("aud", kOriginRule);
  claims.issued_at = read_count(reader, "iat");
  claims.nonce = read_digest256(reader, "nonce");
  claims.tunnel = read_agent_id(reader, "tunnel");
  claims.token_sha256 = read_digest256(reader, "token_sha256");
  return finish(reader, std::move(claims));
}

Json to_json_value(const HolderProof& proof) {
  Json value = {{"statement", proof.statement},
                {"signing_key", proof.signing_key.to_jwk()},
                {"sealing_key", proof.sealing_key.to_jwk()}};
  if (proof.evidence)
    value["evidence"] = {{"ita_token", proof.evidence->ita_token},
                         {"nonce", to_base64url(proof.evidence->nonce)},
                         {"log_head", to_hex(proof.evidence->log_head)}};
  return value;
}

Result<HolderProof> holder_proof_from(const Json& value) {
  ObjectReader reader(value, "$");
  HolderProof proof;
  proof.statement = reader.text("statement", kStatementRule);
  proof.signing_key = read_key(reader, "signing_key", crypto::Curve::ed25519);
  proof.sealing_key = read_key(reader, "sealing_key", crypto::Curve::x25519);
  if (const auto* evidence = reader.find("evidence")) proof.evidence = read_evidence(reader, *evidence);
  return finish(reader, std::move(proof));
}

}  // namespace dd::protocol
