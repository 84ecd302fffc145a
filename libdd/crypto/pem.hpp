// OpenSSL's memory buffers, which its PEM functions read and write. Private to libdd/crypto.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>

#include "libdd/crypto/evp.hpp"

namespace dd::crypto {

using BioPtr = std::unique_ptr<BIO, Freer<&BIO_free_all>>;

/// Reads `text`, which must outlive it.
inline BioPtr memory_bio(std::string_view text) {
  // An empty view may have no address, which OpenSSL takes for a mistake.
  BioPtr bio(BIO_new_mem_buf(text.empty() ? "" : text.data(), static_cast<int>(text.size())));
  if (!bio) out_of_openssl("memory buffer");
  return bio;
}

/// Collects what is written.
inline BioPtr memory_bio() {
  BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio) out_of_openssl("memory buffer");
  return bio;
}

/// Answers for the user: without it OpenSSL asks on the terminal when a block says that it is encrypted.
inline int refuse_password(char*, int, int, void*) { return -1; }

inline std::string text_of(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace dd::crypto
