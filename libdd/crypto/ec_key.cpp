#include "libdd/crypto/ec_key.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>

#include "libdd/crypto/evp.hpp"
#include "libdd/crypto/pem.hpp"

namespace dd::crypto {
namespace {

using SignaturePtr = std::unique_ptr<ECDSA_SIG, Freer<&ECDSA_SIG_free>>;

constexpr std::size_t kNumber = 32;
constexpr unsigned char kUncompressed = 0x04;  // SEC 1, 2.3.3

// The DER form that EVP takes; empty when r or s cannot be a signature's.
Bytes der_signature(const Digest512& raw) {
  const auto* bytes = data_of(raw);
  BignumPtr r(BN_bin2bn(bytes, kNumber, nullptr));
  BignumPtr s(BN_bin2bn(bytes + kNumber, kNumber, nullptr));
  const SignaturePtr signature(ECDSA_SIG_new());
  if (!r || !s || !signature) out_of_openssl("ECDSA signature");
  ECDSA_SIG_set0(signature.get(), r.release(), s.release());
  unsigned char* encoded = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &encoded);
  if (size < 0) return {};
  const std::unique_ptr<unsigned char, decltype([](unsigned char* p) { OPENSSL_free(p); })> owned(encoded);
  const auto view = std::as_bytes(std::span(encoded, static_cast<std::size_t>(size)));
  return {view.begin(), view.end()};
}

Digest512 raw_signature(ByteView der) {
  const auto* next = data_of(der);
  const SignaturePtr signature(d2i_ECDSA_SIG(nullptr, &next, static_cast<long>(der.size())));
  Digest512 raw{};
  auto* out = buffer_of(raw);
  if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, kNumber) != static_cast<int>(kNumber) ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + kNumber, kNumber) != static_cast<int>(kNumber))
    out_of_openssl("ECDSA signature");
  return raw;
}

bool on_p256(EVP_PKEY* key) {
  char group[32] = {};
  std::size_t size = 0;
  return EVP_PKEY_is_a(key, "EC") == 1 &&
         EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &size) == 1 &&
         std::string_view(group, size) == SN_X9_62_prime256v1;
}

bool coordinate(EVP_PKEY* key, const char* name, unsigned char* out) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return false;
  const BignumPtr number(raw);
  return BN_bn2binpad(raw, out, kNumber) == static_cast<int>(kNumber);
}

Result<Digest512> point_of(EVP_PKEY* key) {
  Digest512 point{};
  if (!on_p256(key) || !coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, buffer_of(point)) ||
      !coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, buffer_of(point) + kNumber))
    return fail(ErrorCode::unsupported, "cannot use key: want EC on P-256");
  return point;
}

}  // namespace

Result<EcPublicKey> EcPublicKey::from_point(const Digest512& point) {
  const ErrorQueueMark mark;
  std::array<unsigned char, 1 + 2 * kNumber> encoded{kUncompressed};
  std::copy_n(data_of(point), point.size(), encoded.begin() + 1);
  char group[] = SN_X9_62_prime256v1;
  std::array<OSSL_PARAM, 3> params = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size()),
      OSSL_PARAM_construct_end()};
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1) out_of_openssl("EC key");
  // Decoding the point checks that it is on the curve; the form 04‖x‖y cannot be the point at infinity.
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.data()) != 1)
    return fail(ErrorCode::invalid_argument, "cannot use EC key: the point is not on P-256");
  return EcPublicKey(point, shared(PkeyPtr(key)));
}

Result<EcPublicKey> EcPublicKey::from_pkey(std::shared_ptr<void> key) {
  const ErrorQueueMark mark;
  const auto point = point_of(pkey_of(key));
  if (!point) return tl::unexpected(point.error());
  return EcPublicKey(*point, std::move(key));
}

bool EcPublicKey::verify(ByteView message, const Digest512& signature) const {
  const ErrorQueueMark mark;
  const auto der = der_signature(signature);
  const MdCtxPtr context(EVP_MD_CTX_new());
  return EVP_DigestVerifyInit(context.get(), nullptr, sha256_md(), nullptr, pkey_of(key_)) == 1 &&
         EVP_DigestVerify(context.get(), data_of(der), der.size(), data_of(message), message.size()) == 1;
}

EcPrivateKey EcPrivateKey::generate() {
  PkeyPtr key(EVP_EC_gen(SN_X9_62_prime256v1));
  if (!key) out_of_openssl("EC key generation");
  const auto point = point_of(key.get());
  auto public_key = point ? EcPublicKey::from_point(*point) : tl::unexpected(point.error());
  if (!public_key) out_of_openssl("EC key generation");
  return {*std::move(public_key), shared(std::move(key))};
}

Result<EcPrivateKey> EcPrivateKey::from_pem(std::string_view pem) {
  const ErrorQueueMark mark;
  const auto source = memory_bio(pem);
  PkeyPtr key(PEM_read_bio_PrivateKey(source.get(), nullptr, &refuse_password, nullptr));
  if (!key) return fail(ErrorCode::malformed, "cannot read private key: want one unencrypted PEM block");
  const auto point = point_of(key.get());
  if (!point) return wrap(point.error(), "cannot read private key");
  auto public_key = EcPublicKey::from_point(*point);
  if (!public_key) return wrap(public_key.error(), "cannot read private key");
  return EcPrivateKey(*std::move(public_key), shared(std::move(key)));
}

std::string EcPrivateKey::to_pem() const {
  const auto sink = memory_bio();
  if (PEM_write_bio_PKCS8PrivateKey(sink.get(), pkey_of(key_), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    out_of_openssl("private key");
  return text_of(sink.get());
}

Digest512 EcPrivateKey::sign(ByteView message) const {
  const MdCtxPtr context(EVP_MD_CTX_new());
  Bytes der(static_cast<std::size_t>(EVP_PKEY_get_size(pkey_of(key_))));
  std::size_t size = der.size();
  if (EVP_DigestSignInit(context.get(), nullptr, sha256_md(), nullptr, pkey_of(key_)) != 1 ||
      EVP_DigestSign(context.get(), buffer_of(der), &size, data_of(message), message.size()) != 1)
    out_of_openssl("ECDSA");
  return raw_signature(ByteView(der).first(size));
}

}  // namespace dd::crypto
