#include "libdd/crypto/digest.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>
#include <vector>

#include <openssl/core_names.h>

#include "libdd/crypto/evp.hpp"

namespace dd::crypto {
namespace {

using MacCtxPtr = std::unique_ptr<EVP_MAC_CTX, Freer<&EVP_MAC_CTX_free>>;
using FilePtr = std::unique_ptr<std::FILE, Freer<&std::fclose>>;

const EVP_MD* fetched(const char* name) {
  const EVP_MD* md = EVP_MD_fetch(nullptr, name, nullptr);
  if (md == nullptr) out_of_openssl(name);
  return md;
}

template <std::size_t N>
std::array<std::byte, N> digest(const EVP_MD* md, std::initializer_list<ByteView> parts) {
  thread_local const MdCtxPtr context(EVP_MD_CTX_new());
  std::array<std::byte, N> out{};
  if (EVP_DigestInit_ex2(context.get(), md, nullptr) != 1) out_of_openssl("digest");
  for (const auto part : parts)
    if (EVP_DigestUpdate(context.get(), part.data(), part.size()) != 1) out_of_openssl("digest");
  if (EVP_DigestFinal_ex(context.get(), buffer_of(out), nullptr) != 1) out_of_openssl("digest");
  return out;
}

}  // namespace

void out_of_openssl(const char* what) {
  std::fprintf(stderr, "libdd: OpenSSL failed: %s\n", what);
  std::abort();
}

const EVP_MD* sha256_md() {
  static const EVP_MD* const md = fetched("SHA256");
  return md;
}

const EVP_MD* sha384_md() {
  static const EVP_MD* const md = fetched("SHA384");
  return md;
}

const EVP_MD* sha512_md() {
  static const EVP_MD* const md = fetched("SHA512");
  return md;
}

Digest256 sha256(ByteView data) { return digest<32>(sha256_md(), {data}); }
Digest384 sha384(ByteView data) { return digest<48>(sha384_md(), {data}); }
Digest512 sha512(ByteView data) { return digest<64>(sha512_md(), {data}); }

Digest384 extend(const Digest384& chain, const Digest384& value) { return digest<48>(sha384_md(), {chain, value}); }

Digest256 hmac_sha256(ByteView key, std::initializer_list<ByteView> parts) {
  static EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  if (hmac == nullptr) out_of_openssl("HMAC");
  char digest_name[] = "SHA256";
  const std::array<OSSL_PARAM, 2> params = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
                                            OSSL_PARAM_construct_end()};
  // No key at all would mean "keep the last one": an empty key needs an address too.
  const unsigned char no_key = 0;
  const auto* key_data = key.empty() ? &no_key : data_of(key);

  const MacCtxPtr context(EVP_MAC_CTX_new(hmac));
  Digest256 sum{};
  std::size_t size = 0;
  bool good = EVP_MAC_init(context.get(), key_data, key.size(), params.data()) == 1;
  for (const auto part : parts) good = good && EVP_MAC_update(context.get(), data_of(part), part.size()) == 1;
  good = good && EVP_MAC_final(context.get(), buffer_of(sum), &size, sum.size()) == 1;
  if (!good) out_of_openssl("HMAC");
  return sum;
}

Result<Digest256> sha256_file(const char* path) {
  const FilePtr file(std::fopen(path, "rbe"));
  if (!file) return fail(ErrorCode::not_found, "cannot read " + std::string(path));
  auto sum = sha256_open_file(fileno(file.get()));
  if (!sum) return wrap(sum.error(), "cannot read " + std::string(path));
  return sum;
}

Result<Digest256> sha256_open_file(int fd, std::int64_t most) {
  const MdCtxPtr context(EVP_MD_CTX_new());
  if (EVP_DigestInit_ex2(context.get(), sha256_md(), nullptr) != 1) out_of_openssl("digest");
  std::vector<std::byte> buffer(64 * 1024);
  for (off_t at = 0;;) {
    const auto got = pread(fd, buffer.data(), buffer.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return fail(ErrorCode::unavailable, "cannot read a file to its end: " + std::generic_category().message(errno));
    if (got == 0) break;
    if (EVP_DigestUpdate(context.get(), buffer.data(), static_cast<std::size_t>(got)) != 1) out_of_openssl("digest");
    at += got;
    if (at > most)
      return fail(ErrorCode::too_large,
                  "cannot read a file to its end: it has more than " + std::to_string(most) + " bytes");
  }
  Digest256 sum{};
  if (EVP_DigestFinal_ex(context.get(), buffer_of(sum), nullptr) != 1) out_of_openssl("digest");
  return sum;
}

}  // namespace dd::crypto
