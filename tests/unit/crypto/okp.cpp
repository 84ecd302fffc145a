#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "libdd/crypto/okp.hpp"

using namespace dd;
using namespace dd::crypto;

namespace {

Digest256 hex32(std::string_view text) { return to_array<32>(from_hex(text).value(), "vector").value(); }

}  // namespace

TEST_CASE("Ed25519 signs as RFC 8032, 7.1") {
  const struct {
    const char* secret;
    const char* message;
    const char* signature;
  } cases[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2"
       "4655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302ae"
       "eb00d291612bb0c00"},
      {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "af82",
       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28"
       "dc027beceea1ec40a"},
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
  const auto alice =
      OkpPrivateKey::from_raw(Curve::x25519, hex32("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  const auto bob =
      OkpPrivateKey::from_raw(Curve::x25519, hex32("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  CHECK(to_hex(bob.public_key().raw()) == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  CHECK(to_hex(alice.public_key().raw()) == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  const auto secret = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  CHECK(to_hex(alice.agree(bob.public_key()).value()) == secret);
  CHECK(to_hex(bob.agree(alice.public_key()).value()) == secret);
}

TEST_CASE("a key of low order, or of the other curve, agrees on nothing") {
  const auto key = OkpPrivateKey::generate(Curve::x25519, system_random());
  const char* const low_order[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  const auto check_refused = [](const Result<Digest256>& secret) {
    REQUIRE_FALSE(secret.has_value());
    CHECK(secret.error().code == ErrorCode::invalid_argument);
    CHECK(secret.error().message == "cannot agree on a key: the peer's key is not usable");
  };
  for (const auto* point : low_order) {
    CAPTURE(point);
    check_refused(key.agree(OkpPublicKey(Curve::x25519, hex32(point))));
  }
  const auto signing = OkpPrivateKey::generate(Curve::ed25519, system_random());
  check_refused(key.agree(signing.public_key()));
  check_refused(signing.agree(key.public_key()));
}

TEST_CASE("a signing key of small order is none: under it signatures would hold that nobody made") {
  const char* const small_order[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0000000000000000000000000000000000000000000000000000000000000080",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000080",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  };
  // R is the neutral element and S is 0: it holds whenever the hash is a multiple of the key's order.
  Digest512 signature{};
  signature[0] = std::byte{1};
  for (const auto* point : small_order) {
    CAPTURE(point);
    const OkpPublicKey key(Curve::ed25519, hex32(point));
    int held = 0;
    for (int i = 0; i < 64; ++i) held += verify(key, as_bytes("message " + std::to_string(i)), signature) ? 1 : 0;
    CHECK(held == 0);
    CHECK_FALSE(OkpPublicKey::from_jwk(key.to_jwk(), Curve::ed25519).has_value());
  }
}

TEST_CASE("Ed25519 signs as RFC 8037, A.4") {
  const auto key = OkpPrivateKey::from_raw(
      Curve::ed25519, to_array<32>(from_base64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").value(), "d").value());
  CHECK(key.public_key().to_jwk().at("x") == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
  CHECK(to_base64url(key.sign(as_bytes("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"))) ==
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
}

TEST_CASE("no bit of an Ed25519 signature can be changed") {
  const auto key = OkpPrivateKey::generate(Curve::ed25519, system_random());
  const auto signature = key.sign(as_bytes("message"));
  for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
    auto altered = signature;
    altered[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    CAPTURE(bit);
    CHECK_FALSE(verify(key.public_key(), as_bytes("message"), altered));
  }
  CHECK_FALSE(
      verify(OkpPrivateKey::generate(Curve::ed25519, system_random()).public_key(), as_bytes("message"), signature));
  CHECK_FALSE(verify(OkpPublicKey(Curve::x25519, key.public_key().raw()), as_bytes("message"), signature));
}

TEST_CASE("an Ed25519 signature has one spelling (RFC 8032, 5.1.7: S below the group's order)") {
  const auto key = OkpPrivateKey::from_raw(Curve::ed25519,
                                           hex32("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
  // The first signature above with the order added to S.
  const auto other = from_hex(
                         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901554c8c7872aa064e049dbb3013fbf29"
                         "380d25bf5f0595bbe24655141438e7a101b")
                         .value();
  CHECK_FALSE(verify(key.public_key(), {}, other));
}

TEST_CASE("a key that was moved signs as before") {
  auto first = OkpPrivateKey::generate(Curve::ed25519, system_random());
  const auto signature = first.sign(as_bytes("m"));
  auto second = std::move(first);
  CHECK(second.sign(as_bytes("m")) == signature);
  auto third = OkpPrivateKey::generate(Curve::ed25519, system_random());
  third = std::move(second);
  CHECK(third.sign(as_bytes("m")) == signature);
  CHECK(verify(third.public_key(), as_bytes("m"), signature));
}

TEST_CASE("SubjectPublicKeyInfo is that of RFC 8410, 10.1") {
  const OkpPublicKey key(Curve::ed25519, hex32("19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"));
  CHECK(to_base64(key.spki()) == "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=");
  const OkpPublicKey sealing(Curve::x25519, key.raw());
  CHECK(to_hex(sealing.spki()) == "302a300506032b656e032100" + to_hex(key.raw()));
}

TEST_CASE("a JWK's thumbprint is that of RFC 8037, A.3") {
  const auto jwk =
      nlohmann::json::parse(R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
  const auto key = OkpPublicKey::from_jwk(jwk, Curve::ed25519).value();
  CHECK(key.kid() == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  CHECK(key.to_jwk() == jwk);
}

TEST_CASE("a JWK is read back, whatever else it holds, and its curve is part of its thumbprint") {
  const auto made = OkpPrivateKey::generate(Curve::x25519, system_random());
  auto jwk = made.public_key().to_jwk();
  jwk["kid"] = "something else";
  jwk["use"] = "enc";
  const auto key = OkpPublicKey::from_jwk(jwk, Curve::x25519);
  REQUIRE(key.has_value());
  CHECK(*key == made.public_key());
  CHECK(key->kid() == made.public_key().kid());
  CHECK(key->kid() != OkpPublicKey(Curve::ed25519, key->raw()).kid());
}

TEST_CASE("from_jwk refuses what is not the wanted public key") {
  const struct {
    const char* name;
    const char* text;
  } cases[] = {
      {"another curve", R"({"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})"},
      {"another case of the curve",
       R"({"kty":"OKP","crv":"ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})"},
      {"another kind", R"({"kty":"EC","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})"},
      {"a short x", R"({"kty":"OKP","crv":"Ed25519","x":"11qY"})"},
      {"a padded x", R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="})"},
      {"x with spare bits", R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp"})"},
      {"no x", R"({"kty":"OKP","crv":"Ed25519"})"},
      {"x is a number", R"({"kty":"OKP","crv":"Ed25519","x":1})"},
      {"a private key",
       R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"})"},
      {"no object", R"([])"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto key = OkpPublicKey::from_jwk(nlohmann::json::parse(c.text), Curve::ed25519);
    REQUIRE_FALSE(key.has_value());
    CHECK(http_status(key.error().code) == 400);
    CHECK(key.error().message.starts_with("cannot read JWK: "));
  }
}
