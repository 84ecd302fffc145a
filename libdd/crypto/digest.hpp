// SHA-2 and HMAC over OpenSSL's EVP.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>

#include "dd/bytes.hpp"

namespace dd::crypto {

[[nodiscard]] Digest256 sha256(ByteView data);
[[nodiscard]] Digest384 sha384(ByteView data);
[[nodiscard]] Digest512 sha512(ByteView data);
/// SHA-384(a ‖ b): one step of an RTMR or of the event log.
[[nodiscard]] Digest384 extend(const Digest384& chain, const Digest384& digest);

[[nodiscard]] Digest256 hmac_sha256(ByteView key, std::initializer_list<ByteView> parts);

/// SHA-256 of a file, read in pieces. Blocks. Errors: not_found, unavailable.
[[nodiscard]] Result<Digest256> sha256_file(const char* path);
/// The same of what a descriptor has open, from its beginning; where it reads next stays as it is.
/// Errors also: too_large when it has more than `most` bytes.
[[nodiscard]] Result<Digest256> sha256_open_file(int fd, std::int64_t most = std::numeric_limits<std::int64_t>::max());

}  // namespace dd::crypto
