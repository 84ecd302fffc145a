#include "libdd/crypto/okp.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/crypto/evp.hpp"

namespace dd::crypto {
namespace {

// RFC 8410: SEQUENCE { SEQUENCE { OID 1.3.101.n }, BIT STRING }.
constexpr std::array<unsigned char, 12> kSpkiPrefix = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                       0x2b, 0x65, 0x00, 0x03, 0x21, 0x00};
constexpr std::size_t kOidByte = 8;

constexpr int pkey_type(Curve curve) { return curve == Curve::ed25519 ? EVP_PKEY_ED25519 : EVP_PKEY_X25519; }
constexpr const char* name_of(Curve curve) { return curve == Curve::ed25519 ? "Ed25519" : "X25519"; }

// y of the points of order 1, 2, 4 and 8 of edwards25519 (RFC 8032, 5.1), in both spellings where there are two. The sign of x does not matter.
constexpr std::string_view kSmallOrder[] = {"0000000000000000000000000000000000000000000000000000000000000000",
                                            "0100000000000000000000000000000000000000000000000000000000000000",
                                            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                                            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                                            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};

/// Under such a key signatures hold that nobody made, and OpenSSL takes it. (Of X25519 it refuses what such a key leads to.)
bool is_of_small_order(const OkpPublicKey& key) {
  if (key.curve() != Curve::ed25519) return false;
  auto y = key.raw();
  y.back() &= std::byte{0x7f};
  return std::ranges::find(kSmallOrder, to_hex(y)) != std::end(kSmallOrder);
}

PkeyPtr okp_public_pkey(const OkpPublicKey& key) {
  return PkeyPtr(
      EVP_PKEY_new_raw_public_key(pkey_type(key.curve()), nullptr, data_of(ByteView(key.raw())), key.raw().size()));
}

}  // namespace

Result<OkpPublicKey> OkpPublicKey::from_jwk(const Json& jwk, Curve want) {
  ObjectReader reader(jwk, "$");
  const auto kty = reader.text("kty");
  const auto crv = reader.text("crv");
  const auto x = reader.base64url("x", 32);
  if (reader.error()) return wrap(*reader.error(), "cannot read JWK");
  if (kty != "OKP" || crv != name_of(want))
    return fail(ErrorCode::malformed, "cannot read JWK: want kty OKP and crv " + std::string(name_of(want)));
  if (reader.find("d") != nullptr) return fail(ErrorCode::malformed, "cannot read JWK: it holds a private key");
  Digest256 raw{};
  std::copy(x.begin(), x.end(), raw.begin());
  const OkpPublicKey key(want, raw);
  if (is_of_small_order(key)) return fail(ErrorCode::malformed, "cannot read JWK: it is a point of small order");
  return key;
}

Bytes OkpPublicKey::spki() const {
  const auto prefix = std::as_bytes(std::span(kSpkiPrefix));
  Bytes der(prefix.begin(), prefix.end());
  der[kOidByte] = curve_ == Curve::ed25519 ? std::byte{0x70} : std::byte{0x6e};
  der.insert(der.end(), raw_.begin(), raw_.end());
  return der;
}

Json OkpPublicKey::to_jwk() const { return {{"crv", name_of(curve_)}, {"kty", "OKP"}, {"x", to_base64url(raw_)}}; }

std::string OkpPublicKey::kid() const {
  // RFC 7638, 3: required members only, in lexicographic order; nlohmann sorts them and writes no white space.
  return to_base64url(sha256(as_bytes(to_jwk().dump())));
}

OkpPrivateKey OkpPrivateKey::generate(Curve curve, Random& random) {
  Digest256 raw{};
  random.fill(raw);
  auto key = from_raw(curve, raw);
  OPENSSL_cleanse(raw.data(), raw.size());
  return key;
}

OkpPrivateKey OkpPrivateKey::from_raw(Curve curve, const Digest256& raw) {
  PkeyPtr key(EVP_PKEY_new_raw_private_key(pkey_type(curve), nullptr, data_of(ByteView(raw)), raw.size()));
  if (!key) out_of_openssl("raw private key");
  Digest256 public_raw{};
  std::size_t size = public_raw.size();
  if (EVP_PKEY_get_raw_public_key(key.get(), buffer_of(public_raw), &size) != 1) out_of_openssl("raw public key");
  return {OkpPublicKey(curve, public_raw), shared(std::move(key))};
}

Digest512 OkpPrivateKey::sign(ByteView message) const {
  const MdCtxPtr context(EVP_MD_CTX_new());
  Digest512 signature{};
  std::size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, pkey_of(key_)) != 1 ||
      EVP_DigestSign(context.get(), buffer_of(signature), &size, data_of(message), message.size()) != 1)
    out_of_openssl("Ed25519");
  return signature;
}

Result<Digest256> OkpPrivateKey::agree(const OkpPublicKey& peer) const {
  const auto refuse = [] {
    return fail(ErrorCode::invalid_argument, "cannot agree on a key: the peer's key is not usable");
  };
  if (peer.curve() != Curve::x25519 || public_.curve() != Curve::x25519) return refuse();
  const ErrorQueueMark mark;
  const auto theirs = okp_public_pkey(peer);
  if (!theirs) return refuse();
  const PkeyCtxPtr context(EVP_PKEY_CTX_new(pkey_of(key_), nullptr));
  Digest256 shared{};
  std::size_t size = shared.size();
  // OpenSSL itself refuses the all-zero result (RFC 7748, 6.1).
  if (EVP_PKEY_derive_init(context.get()) != 1 || EVP_PKEY_derive_set_peer(context.get(), theirs.get()) != 1 ||
      EVP_PKEY_derive(context.get(), buffer_of(shared), &size) != 1)
    return refuse();
  return shared;
}

bool verify(const OkpPublicKey& key, ByteView message, ByteView signature) {
  if (key.curve() != Curve::ed25519 || signature.size() != 64 || is_of_small_order(key)) return false;
  const ErrorQueueMark mark;
  const auto pkey = okp_public_pkey(key);
  if (!pkey) return false;
  const MdCtxPtr context(EVP_MD_CTX_new());
  return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, pkey.get()) == 1 &&
         EVP_DigestVerify(context.get(), data_of(signature), signature.size(), data_of(message), message.size()) == 1;
}

}  // namespace dd::crypto
