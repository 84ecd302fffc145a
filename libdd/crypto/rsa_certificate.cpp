#include "libdd/crypto/rsa_certificate.hpp"

#include <openssl/core_names.h>

#include "libdd/crypto/x509_handle.hpp"

namespace dd::crypto {
namespace {

Bytes number_in(const EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return {};
  const BignumPtr number(raw);
  Bytes bytes(static_cast<std::size_t>(BN_num_bytes(raw)));
  BN_bn2bin(raw, buffer_of(bytes));
  return bytes;
}

}  // namespace

Result<RsaPublicKey> rsa_key_of_certificate(ByteView der) {
  const ErrorQueueMark mark;
  const auto* at = data_of(der);
  const X509Ptr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!certificate || at != data_of(der) + der.size())
    return fail(ErrorCode::malformed, "cannot read certificate: not one DER certificate");
  const auto* key = X509_get0_pubkey(certificate.get());
  if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
    return fail(ErrorCode::malformed, "cannot read certificate: its key is not RSA");
  return RsaPublicKey::from_components(number_in(key, OSSL_PKEY_PARAM_RSA_N), number_in(key, OSSL_PKEY_PARAM_RSA_E));
}

}  // namespace dd::crypto
