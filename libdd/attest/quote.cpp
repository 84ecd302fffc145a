// DCAP quote format, versions 4 and 5. All integers are little-endian; ECDSA values are big-endian byte strings.
#include "dd/quote.hpp"

#include <fmt/format.h>

#include "libdd/attest/wire_bytes.hpp"

namespace dd {
namespace {

using attest::Reader;
using attest::Writer;

constexpr std::uint16_t kEcdsaP256 = 2;
constexpr std::uint32_t kTdx = 0x81;
constexpr std::uint16_t kQeReport = 6;      // outer certification data
constexpr std::uint16_t kPckChain = 5;      // inner certification data: PEM
constexpr std::uint16_t kTd10 = 2;          // body types of version 5
constexpr std::uint16_t kTd15 = 3;
constexpr std::size_t kTd10Size = 584;
constexpr std::size_t kTd15Size = 648;

tl::unexpected<Error> malformed(std::string what) {
  return fail(ErrorCode::malformed, "cannot parse quote: " + std::move(what));
}
tl::unexpected<Error> unsupported(std::string what) {
  return fail(ErrorCode::unsupported, "cannot parse quote: " + std::move(what));
}

QuoteHeader read_header(Reader& reader) {
  QuoteHeader header;
  header.version = reader.number<std::uint16_t>();
  header.attestation_key_type = reader.number<std::uint16_t>();
  header.tee_type = reader.number<std::uint32_t>();
  header.reserved = reader.number<std::uint32_t>();
  reader.into(header.qe_vendor_id);
  reader.into(header.user_data);
  return header;
}

Result<void> check_header(const QuoteHeader& header) {
  if (header.version != 4 && header.version != 5)
    return unsupported(fmt::format("version {}, want 4 or 5", header.version));
  if (header.tee_type != kTdx) return unsupported(fmt::format("TEE type {:#x}, want 0x81 (TDX)", header.tee_type));
  if (header.attestation_key_type != kEcdsaP256)
    return unsupported(fmt::format("attestation key type {}, want 2 (ECDSA P-256)", header.attestation_key_type));
  if (header.qe_vendor_id != kIntelQeVendor) return unsupported("QE vendor is not Intel");
  return {};
}

void read_report(Reader& reader, TdReport& report, bool td15) {
  reader.into(report.tee_tcb_svn);
  reader.into(report.mrseam);
  reader.into(report.mrsignerseam);
  report.seam_attributes = reader.number<std::uint64_t>();
  report.td_attributes = reader.number<std::uint64_t>();
  report.xfam = reader.number<std::uint64_t>();
  reader.into(report.mrtd);
  reader.into(report.mrconfigid);
  reader.into(report.mrowner);
  reader.into(report.mrownerconfig);
  for (auto& rtmr : report.rtmr) reader.into(rtmr);
  reader.into(report.report_data);
  if (!td15) return;
  reader.into(report.tee_tcb_svn2.emplace());
  reader.into(report.mrservicetd.emplace());
}

void write_report(Writer& writer, const TdReport& report) {
  writer.bytes(report.tee_tcb_svn);
  writer.bytes(report.mrseam);
  writer.bytes(report.mrsignerseam);
  writer.number(report.seam_attributes);
  writer.number(report.td_attributes);
  writer.number(report.xfam);
  writer.bytes(report.mrtd);
  writer.bytes(report.mrconfigid);
  writer.bytes(report.mrowner);
  writer.bytes(report.mrownerconfig);
  for (const auto& rtmr : report.rtmr) writer.bytes(rtmr);
  writer.bytes(report.report_data);
  if (!report.tee_tcb_svn2) return;
  writer.bytes(*report.tee_tcb_svn2);
  writer.bytes(*report.mrservicetd);
}

/// Version 5 names its body; version 4 is always TD 1.0. Returns whether it is TD 1.5.
Result<bool> read_body_kind(Reader& reader, std::uint16_t version) {
  if (version == 4) return false;
  const auto type = reader.number<std::uint16_t>();
  const auto size = reader.number<std::uint32_t>();
  if (type != kTd10 && type != kTd15) return unsupported(fmt::format("body type {}, want 2 or 3", type));
  const auto want = type == kTd15 ? kTd15Size : kTd10Size;
  if (size != want) return malformed(fmt::format("body of type {} has {} bytes, want {}", type, size, want));
  return type == kTd15;
}

Result<QuoteSignature> read_signature(ByteView data) {
  Reader reader(data);
  QuoteSignature signature;
  reader.into(signature.signature);
  reader.into(signature.attestation_key);
  const auto outer_type = reader.number<std::uint16_t>();
  const auto outer_size = reader.number<std::uint32_t>();
  if (reader.short_by_any()) return malformed("signature data ends too early");
  if (outer_type != kQeReport) return unsupported(fmt::format("certification data type {}, want 6", outer_type));
  if (outer_size != reader.rest().size())
    return malformed(fmt::format("certification data says {} bytes, {} follow", outer_size, reader.rest().size()));

  reader.into(signature.qe_report);
  reader.into(signature.qe_report_signature);
  const auto auth = reader.take(reader.number<std::uint16_t>());
  signature.qe_auth_data.assign(auth.begin(), auth.end());
  const auto inner_type = reader.number<std::uint16_t>();
  const auto inner_size = reader.number<std::uint32_t>();
  if (reader.short_by_any()) return malformed("QE certification data ends too early");
  if (inner_type != kPckChain)
    return unsupported(fmt::format("PCK certification data type {}, want 5 (PEM chain)", inner_type));
  if (inner_size != reader.rest().size())
    return malformed(fmt::format("PCK chain says {} bytes, {} follow", inner_size, reader.rest().size()));
  signature.certificates.assign(reader.rest().begin(), reader.rest().end());
  return signature;
}

Bytes write_signature(const QuoteSignature& signature) {
  Writer inner;
  inner.bytes(signature.qe_report);
  inner.bytes(signature.qe_report_signature);
  inner.number(static_cast<std::uint16_t>(signature.qe_auth_data.size()));
  inner.bytes(signature.qe_auth_data);
  inner.number(kPckChain);
  inner.number(static_cast<std::uint32_t>(signature.certificates.size()));
  inner.bytes(signature.certificates);
  Writer outer;
  outer.bytes(signature.signature);
  outer.bytes(signature.attestation_key);
  outer.number(kQeReport);
  outer.number(static_cast<std::uint32_t>(inner.written().size()));
  outer.bytes(inner.written());
  return outer.written();
}

}  // namespace

Result<Quote> Quote::parse(ByteView raw) {
  if (raw.size() < kMinSize || raw.size() > kMaxSize)
    return fail(ErrorCode::invalid_argument,
                fmt::format("cannot parse quote: {} bytes, want {}..{}", raw.size(), kMinSize, kMaxSize));
  Reader reader(raw);
  Quote quote;
  quote.header_ = read_header(reader);
  if (auto good = check_header(quote.header_); !good) return tl::unexpected(good.error());
  const auto td15 = read_body_kind(reader, quote.header_.version);
  if (!td15) return tl::unexpected(td15.error());
  read_report(reader, quote.report_, *td15);
  quote.signed_size_ = raw.size() - reader.rest().size();

  const auto signature_size = reader.number<std::uint32_t>();
  const auto signature_data = reader.take(signature_size);
  if (reader.short_by_any())
    return malformed(fmt::format("signature data says {} bytes, {} follow", signature_size,
                                 raw.size() - quote.signed_size_ - sizeof signature_size));
  auto signature = read_signature(signature_data);
  if (!signature) return tl::unexpected(signature.error());
  quote.signature_ = *std::move(signature);
  quote.trailing_ = reader.rest().size();
  const auto own = raw.first(raw.size() - quote.trailing_);
  quote.raw_.assign(own.begin(), own.end());
  return quote;
}

Result<Quote> Quote::build(const QuoteHeader& header, const TdReport& report, const QuoteSignature& signature) {
  const bool td15 = report.tee_tcb_svn2.has_value();
  if (td15 != report.mrservicetd.has_value() || (td15 && header.version == 4))
    return fail(ErrorCode::invalid_argument,
                "cannot build quote: TEE_TCB_SVN2 and MRSERVICETD go together, and into version 5 only");
  if (signature.qe_auth_data.size() > 0xffff)
    return fail(ErrorCode::invalid_argument, "cannot build quote: QE authentication data is longer than 65535 bytes");
  Writer writer;
  writer.number(header.version);
  writer.number(header.attestation_key_type);
  writer.number(header.tee_type);
  writer.number(header.reserved);
  writer.bytes(header.qe_vendor_id);
  writer.bytes(header.user_data);
  if (header.version == 5) {
    writer.number(td15 ? kTd15 : kTd10);
    writer.number(static_cast<std::uint32_t>(td15 ? kTd15Size : kTd10Size));
  }
  write_report(writer, report);
  const auto data = write_signature(signature);
  writer.number(static_cast<std::uint32_t>(data.size()));
  writer.bytes(data);
  // What was built must be what a reader sees.
  auto built = parse(writer.written());
  if (!built) return wrap(built.error(), "cannot build quote");
  return built;
}

}  // namespace dd
