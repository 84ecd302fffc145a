// The authorities that outbound TLS trusts, loaded once for all connections.
#pragma once

#include <filesystem>
#include <memory>

#include <openssl/types.h>

#include "dd/error.hpp"

namespace dd::net {

using TrustStore = std::shared_ptr<X509_STORE>;

/// The authorities in a PEM file and no others. Errors: invalid_argument with the path when there is none to read.
[[nodiscard]] Result<TrustStore> trust_store_from(const std::filesystem::path& ca_file);

/// The system's, read from the hashed directory as certificates are needed. SSL_CERT_FILE and SSL_CERT_DIR override it as everywhere.
[[nodiscard]] Result<TrustStore> system_trust_store();

/// Keeps cpprestsdk from reading the whole bundle for each TLS connection (32-53 ms and 13 MB against 3-6 ms): where the hashed directory is
/// filled, sets SSL_CERT_FILE to an empty file unless somebody set it. OpenSSL has no other switch. Call it before the second thread
/// starts; children inherit it and still find the directory.
void prefer_hashed_directory();

}  // namespace dd::net
