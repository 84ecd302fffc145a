#include "libdd/net/trust_store.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "libdd/core/folder.hpp"

namespace dd::net {
namespace {

TrustStore new_store() {
  return {X509_STORE_new(), [](X509_STORE* store) { X509_STORE_free(store); }};
}

/// "5ed36f99.0": what openssl rehash makes.
bool is_hash_name(const std::string& name) {
  return name.size() == 10 && name[8] == '.' &&
         std::all_of(name.begin(), name.begin() + 8, [](unsigned char c) { return std::isxdigit(c) != 0; });
}

bool has_hashed_certificates(const std::filesystem::path& directory) {
  return std::ranges::any_of(entries_of(directory),
                             [](const auto& file) { return is_hash_name(file.filename().string()); });
}

}  // namespace

Result<TrustStore> trust_store_from(const std::filesystem::path& ca_file) {
  auto store = new_store();
  const bool loaded = store && X509_STORE_load_file(store.get(), ca_file.c_str()) == 1;
  ERR_clear_error();
  if (!loaded)
    return fail(ErrorCode::invalid_argument,
                "cannot read authorities from " + ca_file.string() + ": want a PEM file of certificates");
  return store;
}

Result<TrustStore> system_trust_store() {
  auto store = new_store();
  const bool loaded = store && X509_STORE_set_default_paths(store.get()) == 1;
  ERR_clear_error();
  if (!loaded) return fail(ErrorCode::unavailable, "cannot set up the system's trust store");
  return store;
}

void prefer_hashed_directory() {
  // The library's only switch: nothing of ours reads it.
  if (has_hashed_certificates(X509_get_default_cert_dir())) setenv(X509_get_default_cert_file_env(), "/dev/null", 0);
}

}  // namespace dd::net
