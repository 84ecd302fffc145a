#include "libdd/protocol/holder.hpp"

#include <doctest/doctest.h>

#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"
#include "tests/unit/protocol/samples.hpp"

using namespace dd;
using namespace dd::protocol;

namespace {

HolderClaims claims() {
  return {"https://app.dd.example", 1'790'000'000, crypto::sha256(as_bytes(std::string("nonce"))), "dd-prod-cp-1",
          Digest256{}};
}

HolderProof holder_proof() {
  const auto evidence = samples::evidence();
  HolderProof proof;
  proof.statement = "a.b.c";
  proof.signing_key = evidence.signing_key;
  proof.sealing_key = evidence.sealing_key;
  proof.evidence = HolderEvidence{"d.e.f", Bytes(16, std::byte{1}), Digest384{}};
  return proof;
}

}  // namespace

TEST_CASE("who holds a host name is read back as it was written") {
  CHECK(holder_claims_from(to_json_value(claims())).value() == claims());
  CHECK(holder_proof_from(to_json_value(holder_proof())).value() == holder_proof());
  auto bare = holder_proof();
  bare.evidence.reset();
  CHECK_FALSE(to_json_value(bare).contains("evidence"));
  CHECK(holder_proof_from(to_json_value(bare)).value() == bare);
}

TEST_CASE("a proof is refused with the path of the field at fault") {
  const struct {
    const char* pointer;
    Json value;
    const char* path;
  } cases[] = {
      {"/statement", nullptr, "$.statement"},
      {"/statement", "", "$.statement"},
      {"/signing_key/crv", "X25519", "$.signing_key"},
      {"/sealing_key", "key", "$.sealing_key"},
      {"/evidence", "a.b.c", "$.evidence"},
      {"/evidence/ita_token", nullptr, "$.evidence.ita_token"},
      {"/evidence/nonce", to_base64url(Bytes(15)), "$.evidence.nonce"},
      {"/evidence/nonce", to_base64url(Bytes(65)), "$.evidence.nonce"},
      {"/evidence/log_head", "00", "$.evidence.log_head"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.pointer);
    auto value = to_json_value(holder_proof());
    value[Json::json_pointer(c.pointer)] = c.value;
    const auto read = holder_proof_from(value);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().path == c.path);
  }
  auto value = to_json_value(claims());
  value["tunnel"] = "../x";
  CHECK(holder_claims_from(value).error().path == "$.tunnel");
}
