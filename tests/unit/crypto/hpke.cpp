#include <doctest/doctest.h>

#include "libdd/crypto/hpke.hpp"
#include "libdd/crypto/hpke_schedule.hpp"

using namespace dd;
using namespace dd::crypto;

namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

Digest256 hpke_hex32(std::string_view text) { return to_array<32>(hex(text), "vector").value(); }

// RFC 9180, A.2.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305, base mode.
const auto kInfo = "4f6465206f6e2061204772656369616e2055726e";
const auto kEphemeral = "f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600";
const auto kRecipient = "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb";
const auto kEnc = "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a";
const auto kShared = "0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244930d69a7";
const auto kKey = "ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91";
const auto kBaseNonce = "5c4d98150661b848853b547f";
const auto kPlaintext = "4265617574792069732074727574682c20747275746820626561757479";
const auto kAad = "436f756e742d30";
const auto kCiphertext = "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28";

}  // namespace

TEST_CASE("HPKE reproduces every step of RFC 9180, A.2.1") {
  const auto ephemeral = OkpPrivateKey::from_raw(Curve::x25519, hpke_hex32(kEphemeral));
  const auto recipient = OkpPrivateKey::from_raw(Curve::x25519, hpke_hex32(kRecipient));
  CHECK(to_hex(ephemeral.public_key().raw()) == kEnc);
  const auto dh = ephemeral.agree(recipient.public_key()).value();
  const auto shared = hpke_shared_secret(dh, ephemeral.public_key().raw(), recipient.public_key().raw());
  CHECK(to_hex(shared) == kShared);
  const auto keys = hpke_schedule(shared, hex(kInfo));
  CHECK(to_hex(keys.key) == kKey);
  CHECK(to_hex(keys.base_nonce) == kBaseNonce);
  const auto sealed = hpke_seal_with(ephemeral, recipient.public_key(), hex(kInfo), hex(kAad), hex(kPlaintext)).value();
  CHECK(to_hex(ByteView(sealed).first(32)) == kEnc);
  CHECK(to_hex(ByteView(sealed).subspan(32)) == kCiphertext);
  CHECK(to_hex(hpke_open(recipient, hex(kInfo), hex(kAad), sealed).value()) == kPlaintext);
}

TEST_CASE("a sealed box opens for its key, purpose and context only") {
  const auto key = OkpPrivateKey::generate(Curve::x25519, system_random());
  const auto other = OkpPrivateKey::generate(Curve::x25519, system_random());
  const auto sealed =
      hpke_seal(key.public_key(), as_bytes("info"), as_bytes("aad"), as_bytes("token"), system_random()).value();
  CHECK(as_text(hpke_open(key, as_bytes("info"), as_bytes("aad"), sealed).value()) == "token");

  const auto code = [](const Result<Bytes>& opened) {
    REQUIRE_FALSE(opened.has_value());
    return opened.error().code;
  };
  CHECK(code(hpke_open(other, as_bytes("info"), as_bytes("aad"), sealed)) == ErrorCode::unauthenticated);
  CHECK(code(hpke_open(key, as_bytes("other"), as_bytes("aad"), sealed)) == ErrorCode::unauthenticated);
  CHECK(code(hpke_open(key, as_bytes("info"), as_bytes("other"), sealed)) == ErrorCode::unauthenticated);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto altered = sealed;
    altered[i] ^= std::byte{1};
    CAPTURE(i);
    CHECK_FALSE(hpke_open(key, as_bytes("info"), as_bytes("aad"), altered).has_value());
  }
  for (std::size_t size = 0; size < 48; ++size)
    CHECK(code(hpke_open(key, {}, {}, ByteView(sealed).first(size))) == ErrorCode::malformed);
}

TEST_CASE("empty texts, contexts and purposes are sealed as any other") {
  const auto key = OkpPrivateKey::generate(Curve::x25519, system_random());
  const auto sealed = hpke_seal(key.public_key(), {}, {}, {}, system_random()).value();
  CHECK(sealed.size() == 48);
  CHECK(hpke_open(key, {}, {}, sealed).value().empty());
  CHECK_FALSE(hpke_open(key, {}, as_bytes("x"), sealed).has_value());
}

TEST_CASE("the same text is never sealed alike") {
  const auto key = OkpPrivateKey::generate(Curve::x25519, system_random());
  const auto seal = [&] { return hpke_seal(key.public_key(), {}, {}, as_bytes("text"), system_random()).value(); };
  const auto first = seal();
  const auto second = seal();
  CHECK_FALSE(std::equal(first.begin(), first.begin() + 32, second.begin()));
  CHECK_FALSE(std::equal(first.begin() + 32, first.end(), second.begin() + 32));
}

TEST_CASE("a box whose encapsulated key is of low order does not open") {
  const auto key = OkpPrivateKey::generate(Curve::x25519, system_random());
  const auto opened = hpke_open(key, {}, {}, Bytes(64));
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().message == "cannot open sealed box: cannot agree on a key: the peer's key is not usable");
}

TEST_CASE("a low-order public key is refused") {
  const OkpPublicKey zero(Curve::x25519, Digest256{});
  const auto sealed = hpke_seal(zero, {}, {}, as_bytes("x"), system_random());
  REQUIRE_FALSE(sealed.has_value());
  CHECK(sealed.error().code == ErrorCode::invalid_argument);
}
