// A TDX quote (Intel TDX DCAP quote format, versions 4 and 5), parsed but not verified.
//
// Parsing checks shape: size, version, TEE type, nested sizes. It proves nothing about who made the bytes; hand the quote to
// Intel Trust Authority (dd/ita.hpp). Field names are those of the DCAP specification, so MRTD here is MRTD there.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "dd/bytes.hpp"

namespace dd {

/// SHA-384 of guest state (MRTD, RTMR0..3). 48 raw bytes, never hex.
using Measurement = Digest384;
/// What the TD asked to have signed.
using ReportData = Digest512;

/// TD report body: 584 bytes ("TD 1.0"), and two more fields in "TD 1.5" (version 5, body type 3).
struct TdReport {
  std::array<std::byte, 16> tee_tcb_svn{};
  Measurement mrseam{};
  Measurement mrsignerseam{};
  std::uint64_t seam_attributes = 0;
  std::uint64_t td_attributes = 0;
  std::uint64_t xfam = 0;
  Measurement mrtd{};
  Measurement mrconfigid{};
  Measurement mrowner{};
  Measurement mrownerconfig{};
  std::array<Measurement, 4> rtmr{};
  ReportData report_data{};
  std::optional<std::array<std::byte, 16>> tee_tcb_svn2;
  std::optional<Measurement> mrservicetd;

  /// Any bit of the "TD under debug" byte: the host may read and change the TD.
  [[nodiscard]] bool debug() const noexcept { return (td_attributes & 0xff) != 0; }
  bool operator==(const TdReport&) const = default;
};

/// Intel's quoting enclave, the only one that is understood.
inline constexpr std::array<std::byte, 16> kIntelQeVendor = {
    std::byte{0x93}, std::byte{0x9a}, std::byte{0x72}, std::byte{0x33}, std::byte{0xf7}, std::byte{0x9c},
    std::byte{0x4c}, std::byte{0xa9}, std::byte{0x94}, std::byte{0x0a}, std::byte{0x0d}, std::byte{0xb3},
    std::byte{0x95}, std::byte{0x7f}, std::byte{0x06}, std::byte{0x07}};

/// The defaults are the only values that are understood (version 5 too).
struct QuoteHeader {
  std::uint16_t version = 4;
  std::uint16_t attestation_key_type = 2;
  std::uint32_t tee_type = 0x81;
  std::uint32_t reserved = 0;
  std::array<std::byte, 16> qe_vendor_id = kIntelQeVendor;
  std::array<std::byte, 20> user_data{};
  bool operator==(const QuoteHeader&) const = default;
};

/// Signature data: certification type 6 outside, 5 (PEM chain) inside.
struct QuoteSignature {
  Digest512 signature{};  // ECDSA P-256 r‖s, big-endian, by the attestation key over header‖body
  Digest512 attestation_key{};  // x‖y, big-endian
  std::array<std::byte, 384> qe_report{};
  Digest512 qe_report_signature{};  // by the PCK key
  Bytes qe_auth_data;
  Bytes certificates;  // PEM: PCK leaf, intermediate, root
  bool operator==(const QuoteSignature&) const = default;
};

/// Immutable value. Copies own their bytes; const access is thread-safe.
class Quote {
 public:
  /// Smallest well-formed v4 quote: no QE authentication data, no certificates.
  static constexpr std::size_t kMinSize = 1226;
  static constexpr std::size_t kMaxSize = 128 * 1024;

  /// Copies `raw`; the caller keeps its buffer.
  /// Errors: invalid_argument when the size is outside [kMinSize, kMaxSize]; unsupported for a version, key type, TEE type, vendor, body type or
  /// certification type that is not understood; malformed when nested sizes disagree.
  [[nodiscard]] static Result<Quote> parse(ByteView raw);
  /// Writes every field and reads it back. TD 1.5 fields go into version 5 only. Errors: invalid_argument when parts are too long or do not go
  /// together; those of parse for what a reader would refuse.
  [[nodiscard]] static Result<Quote> build(const QuoteHeader& header, const TdReport& report,
                                           const QuoteSignature& signature);

  [[nodiscard]] const QuoteHeader& header() const noexcept { return header_; }
  [[nodiscard]] const TdReport& report() const noexcept { return report_; }
  [[nodiscard]] const QuoteSignature& signature() const noexcept { return signature_; }
  /// The bytes that the attestation key signed. Valid while this Quote lives.
  [[nodiscard]] ByteView signed_bytes() const noexcept { return ByteView(raw_).first(signed_size_); }
  /// The quote without what followed it. Valid while this Quote lives.
  [[nodiscard]] ByteView raw() const noexcept { return raw_; }
  /// How many bytes followed the signature data (hosts return fixed buffers); never hashed, stored or compared.
  [[nodiscard]] std::size_t trailing_bytes() const noexcept { return trailing_; }

 private:
  Quote() = default;

  QuoteHeader header_;
  TdReport report_;
  QuoteSignature signature_;
  Bytes raw_;
  std::size_t signed_size_ = 0;
  std::size_t trailing_ = 0;
};

}  // namespace dd
