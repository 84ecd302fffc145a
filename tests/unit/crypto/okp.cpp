#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "libdd/crypto/okp.hpp"

using namespace dd;
using namespace dd::crypto;

namespace {

Digest256 hex32(std::string_view text) { return to_array<32>(from_hex(text).value(), "vector").value(); }

}  // namespace

TEST_CASE("Ed25519 signs as RFC 8032, 7.1") {
  const struct { const char* secret; const char* message; const char* signature; } cases[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.message);
    const auto key = OkpPrivateKey::from_raw(Curve::ed25519, hex32(c.secret));
    const auto message = from_hex(c.message).value();
    const auto signature = key.sign(message);
    CHECK(to_hex(signature) == c.signature);
    CHECK(verify(key.public_key(), message, signature));
    auto other = message;
    other.push_back(std::byte{1});
    CHECK_FALSE(verify(key.public_key(), other, signature));
    CHECK_FALSE(verify(key.public_key(), message, ByteView(signature).first(63)));
  }
}

TEST_CASE("X25519 agrees as RFC 7748, 6.1") {
  const auto alice = OkpPrivateKey::from_raw(Curve::x25519, hex32("77076d0a7318a57d3c16c17251b26645c6c2f6a6a0a2e0d9e8b7b3f0f0b7b0d0"));
  const auto bob = OkpPrivateKey::from_raw(Curve::x25519, hex32("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  CHECK(to_hex(bob.public_key().raw()) == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  CHECK(alice.agree(bob.public_key()).value() == bob.agree(alice.public_key()).value());
}

TEST_CASE("a JWK's thumbprint is that of RFC 8037, A.3") {
  const auto jwk = nlohmann::json::parse(R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
  const auto key = OkpPublicKey::from_jwk(jwk, Curve::ed25519).value();
  CHECK(key.kid() == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  CHECK(key.to_jwk() == jwk);
  CHECK(key.spki().size() == 44);
}

TEST_CASE("from_jwk refuses what is not the wanted public key") {
  const char* const cases[] = {
      R"({"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
      R"({"kty":"EC","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
      R"({"kty":"OKP","crv":"Ed25519","x":"11qY"})",
      R"({"kty":"OKP","crv":"Ed25519"})",
      R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"})",
      R"([])",
  };
  for (const auto* text : cases) {
    CAPTURE(text);
    const auto key = OkpPublicKey::from_jwk(nlohmann::json::parse(text), Curve::ed25519);
    REQUIRE_FALSE(key.has_value());
    CHECK(http_status(key.error().code) == 400);
  }
}
