#include "libdd/crypto/rsa.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <openssl/bn.h>

#include "tests/support/openssl_signer.hpp"

using namespace dd;
using namespace dd::crypto;
using test::OpensslKey;
using test::Signing;

namespace {

// RFC 7520, 3.3: the public part of the key of its examples; e is 65537.
constexpr std::string_view kCookbookN =
    "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_"
    "NsYOYL-QtiWN2lbzcEe6XC0dApr5yd"
    "QLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-"
    "tVTU4fg_3L_vniUFAKwuCLqKnS2BYwd"
    "q_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw";
constexpr std::string_view kCookbookPayload =
    ".SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kI"
    "GlmIHlvdSBkb24ndCBrZWVwIHlvdXIg"
    "ZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";

const Bytes kE = from_hex("010001").value();

const OpensslKey& rsa_key() {
  static const OpensslKey made;
  return made;
}

RsaPublicKey public_key() { return RsaPublicKey::from_components(rsa_key().n(), rsa_key().e()).value(); }

/// The signature as a number, plus the modulus: the same number modulo n.
Bytes plus_modulus(const Bytes& signature, std::size_t size) {
  const auto number = [](const Bytes& bytes) {
    return BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), nullptr);
  };
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> s(number(signature), BN_free);
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> n(number(rsa_key().n()), BN_free);
  REQUIRE(BN_add(s.get(), s.get(), n.get()) == 1);
  Bytes out(size);
  REQUIRE(BN_bn2binpad(s.get(), reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(size)) > 0);
  return out;
}

Bytes behind_each_other(Bytes front, const Bytes& back) {
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

}  // namespace

TEST_CASE("RS256 and PS384 verify as in RFC 7520, 4.1 and 4.2") {
  const auto cookbook = RsaPublicKey::from_components(from_base64url(kCookbookN).value(), kE).value();
  const struct {
    Algorithm algorithm;
    const char* header;
    const char* signature;
  } cases[] = {
      {Algorithm::rs256, "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
       "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-"
       "BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0Rn"
       "ltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_"
       "de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4"
       "uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg"},
      {Algorithm::ps384, "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
       "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_"
       "1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlf"
       "z28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_"
       "ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAj"
       "VKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw"},
  };
  for (const auto& c : cases) {
    CAPTURE(to_string(c.algorithm));
    const auto input = std::string(c.header) + std::string(kCookbookPayload);
    const auto signature = from_base64url(c.signature).value();
    CHECK(cookbook.verify(c.algorithm, as_bytes(input), signature));
    CHECK_FALSE(cookbook.verify(c.algorithm, as_bytes(input + "x"), signature));
    CHECK_FALSE(public_key().verify(c.algorithm, as_bytes(input), signature));
    for (const auto other : {Algorithm::eddsa, Algorithm::rs256, Algorithm::ps384})
      CHECK(cookbook.verify(other, as_bytes(input), signature) == (other == c.algorithm));
  }
}

TEST_CASE("an RSA key verifies nothing as EdDSA, not even what it signed under that name") {
  const auto key = RsaPrivateKey::generate(2048);
  const auto message = as_bytes("message");
  const auto checked = RsaPublicKey::from_components(key.n(), key.e()).value();
  CHECK(checked.verify(Algorithm::ps384, message, key.sign(Algorithm::ps384, message)));
  CHECK_FALSE(checked.verify(Algorithm::eddsa, message, key.sign(Algorithm::eddsa, message)));
}

TEST_CASE("a good signature under other parameters is refused") {
  const struct {
    const char* name;
    Algorithm checked_as;
    Signing how;
    bool good;
  } cases[] = {
      {"RS256", Algorithm::rs256, test::kRs256, true},
      {"PS384", Algorithm::ps384, test::kPs384, true},
      {"RS384", Algorithm::rs256, {EVP_sha384(), -1, nullptr}, false},
      {"RS512", Algorithm::rs256, {EVP_sha512(), -1, nullptr}, false},
      {"RS256 with SHA-1", Algorithm::rs256, {EVP_sha1(), -1, nullptr}, false},
      {"RS384 as PS384", Algorithm::ps384, {EVP_sha384(), -1, nullptr}, false},
      {"PS256", Algorithm::ps384, {EVP_sha256(), 32, EVP_sha256()}, false},
      {"PS512", Algorithm::ps384, {EVP_sha512(), 64, EVP_sha512()}, false},
      {"PS256 as RS256", Algorithm::rs256, {EVP_sha256(), 32, EVP_sha256()}, false},
      {"PS384 without salt", Algorithm::ps384, {EVP_sha384(), 0, EVP_sha384()}, false},
      {"PS384 with salt 32", Algorithm::ps384, {EVP_sha384(), 32, EVP_sha384()}, false},
      {"PS384 with salt 47", Algorithm::ps384, {EVP_sha384(), 47, EVP_sha384()}, false},
      {"PS384 with salt 49", Algorithm::ps384, {EVP_sha384(), 49, EVP_sha384()}, false},
      {"PS384 with MGF1-SHA-256", Algorithm::ps384, {EVP_sha384(), 48, EVP_sha256()}, false},
      {"PS384 with MGF1-SHA-1", Algorithm::ps384, {EVP_sha384(), 48, EVP_sha1()}, false},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    CHECK(public_key().verify(c.checked_as, as_bytes("message"), rsa_key().sign("message", c.how)) == c.good);
  }
}

TEST_CASE("a signature has the modulus' length and is below the modulus") {
  const auto good = rsa_key().sign("message", test::kRs256);
  REQUIRE(public_key().verify(Algorithm::rs256, as_bytes("message"), good));
  const struct {
    const char* name;
    Bytes signature;
  } cases[] = {
      {"empty", {}},
      {"a zero in front", behind_each_other({std::byte{0}}, good)},
      {"a zero behind", behind_each_other(good, {std::byte{0}})},
      {"the last byte cut", Bytes(good.begin(), good.end() - 1)},
      {"the first byte cut", Bytes(good.begin() + 1, good.end())},
      {"twice", behind_each_other(good, good)},
      {"plus the modulus", plus_modulus(good, good.size() + 1)},
      {"the modulus", rsa_key().n()},
      {"zero", Bytes(good.size())},
      {"one", behind_each_other(Bytes(good.size() - 1), {std::byte{1}})},
      {"all ones", Bytes(good.size(), std::byte{0xff})},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    CHECK_FALSE(public_key().verify(Algorithm::rs256, as_bytes("message"), c.signature));
    CHECK_FALSE(public_key().verify(Algorithm::ps384, as_bytes("message"), c.signature));
  }
}

TEST_CASE("a signature plus the modulus is refused also when it has the right length") {
  // The top bit of n is set, so only a small signature leaves room for n above it. One in some tries does.
  for (int i = 0; i < 200; ++i) {
    const auto message = "message " + std::to_string(i);
    const auto good = rsa_key().sign(message, test::kRs256);
    const auto longer = plus_modulus(good, good.size() + 1);
    if (longer.front() != std::byte{0}) continue;
    REQUIRE(public_key().verify(Algorithm::rs256, as_bytes(message), good));
    CHECK_FALSE(public_key().verify(Algorithm::rs256, as_bytes(message), Bytes(longer.begin() + 1, longer.end())));
    return;
  }
  FAIL("no signature was small enough");
}

TEST_CASE("a key that is too weak, too large or no key is refused") {
  const auto bits = [](std::size_t count) {
    Bytes n((count + 7) / 8, std::byte{0xff});
    n.front() = static_cast<std::byte>(0xff >> (n.size() * 8 - count));
    return n;
  };
  auto even = rsa_key().n();
  even.back() &= std::byte{0xfe};
  const auto one_byte = [](unsigned char value) { return Bytes{std::byte{value}}; };
  const struct {
    const char* name;
    Bytes n;
    Bytes e;
    const char* message;
  } cases[] = {
      {"no n", {}, kE, "cannot use RSA key: n must have 2048 to 8192 bits"},
      {"2047 bits", bits(2047), kE, "cannot use RSA key: n must have 2048 to 8192 bits"},
      {"2047 bits behind zeros", behind_each_other(Bytes(300), bits(2047)), kE,
       "cannot use RSA key: n must have 2048 to 8192 bits"},
      {"8193 bits", bits(8193), kE, "cannot use RSA key: n must have 2048 to 8192 bits"},
      {"a megabyte", Bytes(1 << 20, std::byte{0xff}), kE, "cannot use RSA key: n or e is too long"},
      {"even n", even, kE, "cannot use RSA key: n is even"},
      {"no e", rsa_key().n(), {}, "cannot use RSA key: n or e is too long"},
      {"e of 9 bytes", rsa_key().n(), Bytes(9, std::byte{0xff}), "cannot use RSA key: n or e is too long"},
      {"e = 0", rsa_key().n(), one_byte(0), "cannot use RSA key: e must be odd and at least 3"},
      {"e = 1", rsa_key().n(), one_byte(1), "cannot use RSA key: e must be odd and at least 3"},
      {"e = 2", rsa_key().n(), one_byte(2), "cannot use RSA key: e must be odd and at least 3"},
      {"e = 65536", rsa_key().n(), from_hex("010000").value(), "cannot use RSA key: e must be odd and at least 3"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto made = RsaPublicKey::from_components(c.n, c.e);
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().code == ErrorCode::invalid_argument);
    CHECK(made.error().message == c.message);
  }
  CHECK(RsaPublicKey::from_components(bits(2048), one_byte(3)).has_value());
  CHECK(RsaPublicKey::from_components(bits(8192), one_byte(3)).has_value());
}

TEST_CASE("keys are equal as numbers") {
  const auto same = RsaPublicKey::from_components(behind_each_other({std::byte{0}}, rsa_key().n()),
                                                  behind_each_other({std::byte{0}}, rsa_key().e()));
  REQUIRE(same.has_value());
  CHECK(*same == public_key());
  CHECK_FALSE(*same == RsaPublicKey::from_components(rsa_key().n(), Bytes{std::byte{3}}).value());
  CHECK(same->verify(Algorithm::rs256, as_bytes("m"), rsa_key().sign("m", test::kRs256)));
}

TEST_CASE("what our own key signs is verified") {
  const auto own = RsaPrivateKey::generate(2048);
  const auto verifier = RsaPublicKey::from_components(own.n(), own.e()).value();
  for (const auto algorithm : {Algorithm::rs256, Algorithm::ps384}) {
    CAPTURE(to_string(algorithm));
    const auto signature = own.sign(algorithm, as_bytes("message"));
    CHECK(signature.size() == 256);
    CHECK(verifier.verify(algorithm, as_bytes("message"), signature));
    for (std::size_t i = 0; i < signature.size(); i += 17) {
      auto altered = signature;
      altered[i] ^= std::byte{1};
      CHECK_FALSE(verifier.verify(algorithm, as_bytes("message"), altered));
    }
  }
}
