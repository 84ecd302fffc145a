#include "libdd/crypto/ec_key.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::crypto;

namespace {

Digest512 hex64(std::string_view text) { return to_array<64>(from_hex(text).value(), "vector").value(); }

// RFC 6979, A.2.5: P-256, SHA-256, message "sample".
const auto kPoint = hex64(
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177"
    "a3c294d4462299");
const auto kSignature = hex64(
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064d"
    "c4ab2f843acda8");
constexpr std::string_view kOrder = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
// n − s of kSignature.
constexpr std::string_view kOtherS = "0834e36ad29a83bf2bc9385e491d6099c8fdf9d1ed67aa7ea5f51f93782857a9";

}  // namespace

TEST_CASE("ECDSA P-256 verifies as RFC 6979, A.2.5") {
  const auto key = EcPublicKey::from_point(kPoint);
  REQUIRE(key.has_value());
  CHECK(key->point() == kPoint);
  CHECK(key->verify(as_bytes("sample"), kSignature));
  CHECK_FALSE(key->verify(as_bytes("Sample"), kSignature));
  CHECK_FALSE(key->verify(as_bytes(""), kSignature));
}

TEST_CASE("r and s outside of [1, n-1] are no signature, and a high or low s is as good") {
  const auto key = EcPublicKey::from_point(kPoint).value();
  const std::string r = to_hex(ByteView(kSignature).first(32));
  const std::string s = to_hex(ByteView(kSignature).last(32));
  const std::string zero(64, '0');
  const std::string all(64, 'f');
  const struct {
    const char* name;
    std::string signature;
    bool good;
  } cases[] = {
      {"the other s", r + std::string(kOtherS), true},
      {"r is 0", zero + s, false},
      {"s is 0", r + zero, false},
      {"r is n", std::string(kOrder) + s, false},
      {"s is n", r + std::string(kOrder), false},
      {"s is 2^256-1", r + all, false},
      {"both are 0", zero + zero, false},
      {"swapped", s + r, false},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    CHECK(key.verify(as_bytes("sample"), hex64(c.signature)) == c.good);
  }
}

TEST_CASE("a point that is not on the curve is no key") {
  auto beside = kPoint;
  beside[63] ^= std::byte{1};
  Digest512 beyond{};
  beyond.fill(std::byte{0xff});
  for (const auto& point : {beside, Digest512{}, beyond}) {
    const auto key = EcPublicKey::from_point(point);
    REQUIRE_FALSE(key.has_value());
    CHECK(key.error().code == ErrorCode::invalid_argument);
    CHECK(key.error().message == "cannot use EC key: the point is not on P-256");
  }
}

TEST_CASE("a generated key signs, and keeps itself through PEM") {
  const auto key = EcPrivateKey::generate();
  const auto again = EcPrivateKey::from_pem(key.to_pem());
  REQUIRE(again.has_value());
  CHECK(again->public_key() == key.public_key());
  CHECK(key.public_key().verify(as_bytes("m"), again->sign(as_bytes("m"))));
  CHECK_FALSE(EcPrivateKey::generate().public_key().verify(as_bytes("m"), key.sign(as_bytes("m"))));
}

TEST_CASE("what is no P-256 private key is refused") {
  // openssl genpkey -algorithm ED25519
  constexpr std::string_view kEd25519 =
      "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE "
      "KEY-----\n";
  // openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1
  constexpr std::string_view kSecp256k1 =
      "-----BEGIN PRIVATE KEY-----\nMIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQgP41bC/QCbZpdKCDOqpjQ\n"
      "Ri0YjB4gSJND12zSY7f37wGhRANCAAR6nFB9Oy6n4rW7iW3eCx3sqL3+/FH8KdCQ\n"
      "gs0tqZzMQhb5pmZe9A85IqybKyyWI1f+V11tx7HAufNjGs7g1+zl\n-----END PRIVATE KEY-----\n";
  const struct {
    const char* name;
    std::string_view pem;
    ErrorCode code;
  } cases[] = {
      {"a curve of the same size", kSecp256k1, ErrorCode::unsupported},
      {"empty", "", ErrorCode::malformed},
      {"a broken block", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", ErrorCode::malformed},
      {"another curve", kEd25519, ErrorCode::unsupported},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto key = EcPrivateKey::from_pem(c.pem);
    REQUIRE_FALSE(key.has_value());
    CHECK(key.error().code == c.code);
    CHECK(key.error().message.starts_with("cannot read private key: "));
  }
}
