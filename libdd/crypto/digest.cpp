#include "libdd/crypto/digest.hpp"

#include <cstdio>
#include <cstdlib>

#include "libdd/crypto/evp.hpp"

namespace dd::crypto {
namespace {

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
  // RFC 2104 over one digest context: the parts need no copy.
  constexpr std::size_t kBlock = 64;
  std::array<std::byte, kBlock> inner{};
  const auto hashed = sha256(key);
  const ByteView used = key.size() > kBlock ? ByteView(hashed) : key;
  std::copy(used.begin(), used.end(), inner.begin());
  auto outer = inner;
  for (auto& byte : inner) byte ^= std::byte{0x36};
  for (auto& byte : outer) byte ^= std::byte{0x5c};

  const MdCtxPtr context(EVP_MD_CTX_new());
  Digest256 sum{};
  bool good = EVP_DigestInit_ex2(context.get(), sha256_md(), nullptr) == 1 && EVP_DigestUpdate(context.get(), inner.data(), inner.size()) == 1;
  for (const auto part : parts) good = good && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  good = good && EVP_DigestFinal_ex(context.get(), buffer_of(sum), nullptr) == 1;
  if (!good) out_of_openssl("HMAC");
  return digest<32>(sha256_md(), {outer, sum});
}

Result<Digest256> sha256_file(const char* path) {
  const FilePtr file(std::fopen(path, "rbe"));
  if (!file) return fail(ErrorCode::not_found, "cannot read " + std::string(path));
  const MdCtxPtr context(EVP_MD_CTX_new());
  if (EVP_DigestInit_ex2(context.get(), sha256_md(), nullptr) != 1) out_of_openssl("digest");
  std::vector<std::byte> buffer(64 * 1024);
  while (const auto got = std::fread(buffer.data(), 1, buffer.size(), file.get()))
    if (EVP_DigestUpdate(context.get(), buffer.data(), got) != 1) out_of_openssl("digest");
  if (std::ferror(file.get()) != 0) return fail(ErrorCode::unavailable, "cannot read " + std::string(path) + " to its end");
  Digest256 sum{};
  if (EVP_DigestFinal_ex(context.get(), buffer_of(sum), nullptr) != 1) out_of_openssl("digest");
  return sum;
}

}  // namespace dd::crypto
