// Byte strings and the three text encodings that the protocols use. Decoders are strict: what they accept has
// exactly one encoding (docs/wire.md, 1).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dd/error.hpp"

namespace dd {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

/// SHA-256 value. 32 raw bytes, never hex.
using Digest256 = std::array<std::byte, 32>;
/// SHA-384 value. 48 raw bytes, never hex.
using Digest384 = std::array<std::byte, 48>;
/// SHA-512 value, and the size of REPORTDATA. 64 raw bytes, never hex.
using Digest512 = std::array<std::byte, 64>;

/// The bytes of a text, borrowed.
[[nodiscard]] inline ByteView as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}
/// The text of some bytes, borrowed.
[[nodiscard]] inline std::string_view as_text(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] Bytes to_bytes(std::string_view text);

/// Lower-case hex.
[[nodiscard]] std::string to_hex(ByteView bytes);
/// Either case. Errors: malformed on another character or an odd length.
[[nodiscard]] Result<Bytes> from_hex(std::string_view text);

/// base64url without padding (RFC 4648, 5).
[[nodiscard]] std::string to_base64url(ByteView bytes);
/// Errors: malformed on padding, another alphabet, an impossible length, or spare bits that are not zero.
[[nodiscard]] Result<Bytes> from_base64url(std::string_view text);

/// Standard base64 with padding (RFC 4648, 4).
[[nodiscard]] std::string to_base64(ByteView bytes);
/// Errors: as from_base64url, and when padding is missing.
[[nodiscard]] Result<Bytes> from_base64(std::string_view text);

/// Copies exactly N bytes. Errors: malformed when `bytes` has another size; `what` names the value in the message.
template <std::size_t N>
[[nodiscard]] Result<std::array<std::byte, N>> to_array(ByteView bytes, std::string_view what) {
  if (bytes.size() != N)
    return fail(ErrorCode::malformed, "cannot read " + std::string(what) + ": " + std::to_string(bytes.size()) +
                                          " bytes, want " + std::to_string(N));
  std::array<std::byte, N> out{};
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

/// Compares in time that depends on the sizes only.
[[nodiscard]] bool constant_time_equal(ByteView a, ByteView b) noexcept;

}  // namespace dd
