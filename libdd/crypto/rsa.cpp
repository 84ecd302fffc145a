#include "libdd/crypto/rsa.hpp"

#include <algorithm>

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/crypto/evp.hpp"

namespace dd::crypto {
namespace {

using ParamBuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, Freer<&OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, Freer<&OSSL_PARAM_free>>;

constexpr int kLeastBits = 2048;
constexpr int kMostBits = 8192;
constexpr int kPs384Salt = 48;  // RFC 7518, 3.5: as long as the hash

PkeyPtr rsa_public_pkey(const BIGNUM* n, const BIGNUM* e) {
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  if (OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e) != 1)
    return nullptr;
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder.get()));
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return nullptr;
  return PkeyPtr(key);
}

const EVP_MD* md_of(Algorithm algorithm) { return algorithm == Algorithm::ps384 ? sha384_md() : sha256_md(); }

bool set_padding(EVP_PKEY_CTX* context, Algorithm algorithm) {
  if (algorithm == Algorithm::rs256) return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, sha384_md()) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, kPs384Salt) == 1;
}

Bytes number_of(EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) out_of_openssl("RSA parameter");
  const BignumPtr number(raw);
  Bytes bytes(static_cast<std::size_t>(BN_num_bytes(raw)));
  BN_bn2bin(raw, reinterpret_cast<unsigned char*>(bytes.data()));
  return bytes;
}

}  // namespace

Result<RsaPublicKey> RsaPublicKey::from_components(ByteView n, ByteView e) {
  const auto refuse = [](const char* what) {
    return fail(ErrorCode::invalid_argument, std::string("cannot use RSA key: ") + what);
  };
  const ErrorQueueMark mark;
  if (n.size() > kMostBits / 8 + 1 || e.empty() || e.size() > 8) return refuse("n or e is too long");
  const BignumPtr modulus(BN_bin2bn(data_of(n), static_cast<int>(n.size()), nullptr));
  const BignumPtr exponent(BN_bin2bn(data_of(e), static_cast<int>(e.size()), nullptr));
  const int bits = BN_num_bits(modulus.get());
  if (bits < kLeastBits || bits > kMostBits) return refuse("n must have 2048 to 8192 bits");
  if (BN_is_odd(modulus.get()) == 0) return refuse("n is even");
  if (BN_is_odd(exponent.get()) == 0 || BN_get_word(exponent.get()) < 3) return refuse("e must be odd and at least 3");
  auto key = rsa_public_pkey(modulus.get(), exponent.get());
  if (!key) return refuse("OpenSSL does not take it");
  RsaPublicKey out;
  out.n_ = number_of(key.get(), OSSL_PKEY_PARAM_RSA_N);
  out.e_ = number_of(key.get(), OSSL_PKEY_PARAM_RSA_E);
  out.key_ = shared(std::move(key));
  return out;
}

bool RsaPublicKey::verify(Algorithm algorithm, ByteView message, ByteView signature) const {
  if (algorithm == Algorithm::eddsa || signature.size() != n_.size()) return false;
  // s >= n would be a second spelling of a signature.
  if (!std::lexicographical_compare(signature.begin(), signature.end(), n_.begin(), n_.end())) return false;
  const ErrorQueueMark mark;
  const MdCtxPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* padding = nullptr;  // owned by context
  return EVP_DigestVerifyInit(context.get(), &padding, md_of(algorithm), nullptr, pkey_of(key_)) == 1 &&
         set_padding(padding, algorithm) &&
         EVP_DigestVerify(context.get(), data_of(signature), signature.size(), data_of(message), message.size()) == 1;
}

RsaPrivateKey RsaPrivateKey::generate(int bits) {
  RsaPrivateKey key;
  PkeyPtr generated(EVP_RSA_gen(static_cast<unsigned>(bits)));
  if (!generated) out_of_openssl("RSA key generation");
  key.key_ = shared(std::move(generated));
  return key;
}

Bytes RsaPrivateKey::sign(Algorithm algorithm, ByteView message) const {
  const MdCtxPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* padding = nullptr;
  Bytes signature(static_cast<std::size_t>(EVP_PKEY_get_size(pkey_of(key_))));
  std::size_t size = signature.size();
  const bool good = EVP_DigestSignInit(context.get(), &padding, md_of(algorithm), nullptr, pkey_of(key_)) == 1 &&
                    set_padding(padding, algorithm) &&
                    EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                                   data_of(message), message.size()) == 1;
  if (!good) out_of_openssl("RSA signature");
  signature.resize(size);
  return signature;
}

Bytes RsaPrivateKey::n() const { return number_of(pkey_of(key_), OSSL_PKEY_PARAM_RSA_N); }
Bytes RsaPrivateKey::e() const { return number_of(pkey_of(key_), OSSL_PKEY_PARAM_RSA_E); }

std::string RsaPrivateKey::sign_jws(Algorithm algorithm, const Json& header, std::string_view payload) const {
  auto compact = to_base64url(as_bytes(to_text(header))) + "." + to_base64url(as_bytes(payload));
  const auto signature = sign(algorithm, as_bytes(compact));
  return compact + "." + to_base64url(signature);
}

}  // namespace dd::crypto
