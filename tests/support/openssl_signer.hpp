// Signs with OpenSSL itself, in every way that a token must not be signed too: libdd's own signer can only do it right.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "dd/bytes.hpp"

namespace dd::test {

/// How the bytes are signed. `salt` of -1: PKCS#1 v1.5.
struct Signing {
  const EVP_MD* digest = EVP_sha384();
  int salt = 48;
  const EVP_MD* mgf1 = EVP_sha384();
};
inline const Signing kPs384{};
inline const Signing kRs256{EVP_sha256(), -1, nullptr};

class OpensslKey {
 public:
  OpensslKey() : key_(EVP_RSA_gen(2048), EVP_PKEY_free) { require(key_ != nullptr); }

  [[nodiscard]] Bytes n() const { return number(OSSL_PKEY_PARAM_RSA_N); }
  [[nodiscard]] Bytes e() const { return number(OSSL_PKEY_PARAM_RSA_E); }

  [[nodiscard]] Bytes sign(std::string_view message, const Signing& how) const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_PKEY_CTX* parameters = nullptr;
    require(EVP_DigestSignInit(context.get(), &parameters, how.digest, nullptr, key_.get()) == 1);
    if (how.salt >= 0) {
      require(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
      require(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, how.salt) == 1);
      require(EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, how.mgf1) == 1);
    }
    const auto* data = reinterpret_cast<const unsigned char*>(message.data());
    std::size_t size = 0;
    require(EVP_DigestSign(context.get(), nullptr, &size, data, message.size()) == 1);
    Bytes signature(size);
    require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, data,
                           message.size()) == 1);
    signature.resize(size);
    return signature;
  }

 private:
  static void require(bool good) {
    if (!good) throw std::runtime_error("OpenSSL refused a test's key or signature");
  }
  [[nodiscard]] Bytes number(const char* name) const {
    BIGNUM* value = nullptr;
    require(EVP_PKEY_get_bn_param(key_.get(), name, &value) == 1);
    Bytes out(static_cast<std::size_t>(BN_num_bytes(value)));
    BN_bn2bin(value, reinterpret_cast<unsigned char*>(out.data()));
    BN_free(value);
    return out;
  }

  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
};

}  // namespace dd::test
