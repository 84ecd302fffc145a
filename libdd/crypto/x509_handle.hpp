// The X509 objects behind Certificate. Private to libdd/crypto.
#pragma once

#include <memory>

#include <openssl/x509.h>

#include "libdd/crypto/evp.hpp"

namespace dd::crypto {

using X509Ptr = std::unique_ptr<X509, Freer<&X509_free>>;

inline std::shared_ptr<void> shared(X509Ptr certificate) {
  return {certificate.release(), [](void* raw) { X509_free(static_cast<X509*>(raw)); }};
}
inline X509* x509_of(const std::shared_ptr<void>& certificate) noexcept {
  return static_cast<X509*>(certificate.get());
}

}  // namespace dd::crypto
