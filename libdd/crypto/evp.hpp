// OpenSSL objects that free themselves. Private to libdd/crypto.
#pragma once

#include <memory>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "dd/bytes.hpp"

namespace dd::crypto {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using PkeyPtr = std::unique_ptr<EVP_PKEY, Freer<&EVP_PKEY_free>>;
using PkeyCtxPtr = std::unique_ptr<EVP_PKEY_CTX, Freer<&EVP_PKEY_CTX_free>>;
using MdCtxPtr = std::unique_ptr<EVP_MD_CTX, Freer<&EVP_MD_CTX_free>>;
using CipherCtxPtr = std::unique_ptr<EVP_CIPHER_CTX, Freer<&EVP_CIPHER_CTX_free>>;
using BignumPtr = std::unique_ptr<BIGNUM, Freer<&BN_free>>;

/// Key handles in headers are `void`, so that those need no OpenSSL. OpenSSL wipes private keys when it frees them.
inline std::shared_ptr<void> shared(PkeyPtr key) {
  return {key.release(), [](void* raw) { EVP_PKEY_free(static_cast<EVP_PKEY*>(raw)); }};
}
inline EVP_PKEY* pkey_of(const std::shared_ptr<void>& key) noexcept { return static_cast<EVP_PKEY*>(key.get()); }

/// Drops what OpenSSL queues as errors while this lives. A refused signature is an answer, not an error, and SSL_get_error takes whatever
/// is left in the thread's queue for a failure of its own connection.
class ErrorQueueMark {
 public:
  ErrorQueueMark() noexcept { ERR_set_mark(); }
  ErrorQueueMark(const ErrorQueueMark&) = delete;
  ErrorQueueMark& operator=(const ErrorQueueMark&) = delete;
  ~ErrorQueueMark() { ERR_pop_to_mark(); }
};

inline const unsigned char* data_of(ByteView bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* buffer_of(std::span<std::byte> bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

/// Ends the program: OpenSSL failed where only lack of memory or a broken build can make it fail.
[[noreturn]] void out_of_openssl(const char* what);

/// Fetched once; looking an algorithm up costs more than hashing a token.
const EVP_MD* sha256_md();
const EVP_MD* sha384_md();
const EVP_MD* sha512_md();

}  // namespace dd::crypto
