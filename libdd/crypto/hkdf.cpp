#include "libdd/crypto/hkdf.hpp"

#include "libdd/crypto/digest.hpp"

namespace dd::crypto {

Digest256 hkdf_extract(ByteView salt, ByteView input) { return hmac_sha256(salt, {input}); }

Bytes hkdf_expand(const Digest256& prk, ByteView info, std::size_t size) {
  Bytes out;
  Bytes block;
  for (unsigned counter = 1; out.size() < size; ++counter) {
    const auto byte = static_cast<std::byte>(counter);
    const auto next = hmac_sha256(prk, {block, info, ByteView(&byte, 1)});
    block.assign(next.begin(), next.end());
    out.insert(out.end(), block.begin(), block.end());
  }
  out.resize(size);
  return out;
}

}  // namespace dd::crypto
