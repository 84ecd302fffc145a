// HKDF with SHA-256 (RFC 5869).
#pragma once

#include "dd/bytes.hpp"

namespace dd::crypto {

[[nodiscard]] Digest256 hkdf_extract(ByteView salt, ByteView input);
/// At most 255 · 32 bytes.
[[nodiscard]] Bytes hkdf_expand(const Digest256& prk, ByteView info, std::size_t size);

}  // namespace dd::crypto
