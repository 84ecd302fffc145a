#include "dd/quote.hpp"

#include <doctest/doctest.h>

#include "tests/unit/attest/quote_forge.hpp"

using namespace dd;

namespace {

// Offsets in a version 4 quote; in version 5 all behind the header move by the descriptor.
constexpr std::size_t kDescriptor = 48;
constexpr std::size_t kSignatureSize = 632;
constexpr std::size_t kSignatureData = 636;
constexpr std::size_t kOuterType = kSignatureData + 128;
constexpr std::size_t kAuthSize = kSignatureData + 582;

QuoteSignature sample_signature(std::size_t auth_data, std::size_t certificates) {
  QuoteSignature signature;
  signature.signature = counted<64>(20);
  signature.attestation_key = counted<64>(21);
  signature.qe_report = counted<384>(22);
  signature.qe_report_signature = counted<64>(23);
  signature.qe_auth_data.assign(auth_data, std::byte{24});
  signature.certificates.assign(certificates, std::byte{25});
  return signature;
}

QuoteHeader header_of(std::uint16_t version) {
  QuoteHeader header;
  header.version = version;
  header.reserved = 0x01020304;
  header.user_data = counted<20>(30);
  return header;
}

Quote sample_quote(std::uint16_t version = 4, std::size_t auth_data = 32, std::size_t certificates = 100) {
  return Quote::build(header_of(version), sample_report(), sample_signature(auth_data, certificates)).value();
}

Quote sample_td15() { return Quote::build(header_of(5), sample_report_td15(), sample_signature(32, 100)).value(); }

Bytes bytes_of(const Quote& quote) { return {quote.raw().begin(), quote.raw().end()}; }

// Little-endian, over what is there.
Bytes with_number(Bytes raw, std::size_t offset, std::size_t size, std::uint64_t value) {
  for (std::size_t i = 0; i < size; ++i) raw[offset + i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
  return raw;
}

Bytes resized(Bytes raw, std::size_t size) {
  raw.resize(size);
  return raw;
}

}  // namespace

TEST_CASE("every field of a quote is where the format says") {
  const auto quote = sample_quote();
  const auto raw = quote.raw();
  const auto& report = quote.report();
  const auto at = [raw](std::size_t offset, std::size_t size) { return to_hex(raw.subspan(offset, size)); };
  CHECK(at(0, 12) == "040002008100000004030201");
  CHECK(at(12, 16) == "939a7233f79c4ca9940a0db3957f0607");
  CHECK(at(28, 20) == to_hex(counted<20>(30)));
  CHECK(at(48, 16) == to_hex(report.tee_tcb_svn));
  CHECK(at(64, 48) == to_hex(report.mrseam));
  CHECK(at(112, 48) == to_hex(report.mrsignerseam));
  CHECK(at(160, 8) == "0807060504030201");
  CHECK(at(168, 8) == "0000001000000000");
  CHECK(at(176, 8) == "e718060000000000");
  CHECK(at(184, 48) == to_hex(report.mrtd));
  CHECK(at(232, 48) == to_hex(report.mrconfigid));
  CHECK(at(280, 48) == to_hex(report.mrowner));
  CHECK(at(328, 48) == to_hex(report.mrownerconfig));
  for (std::size_t i = 0; i < 4; ++i) CHECK(at(376 + 48 * i, 48) == to_hex(report.rtmr[i]));
  CHECK(at(568, 64) == to_hex(report.report_data));
  CHECK(at(kSignatureSize, 4) == "d2020000");  // 590 + 32 + 100
  CHECK(at(kSignatureData, 64) == to_hex(counted<64>(20)));
  CHECK(at(kSignatureData + 64, 64) == to_hex(counted<64>(21)));
  CHECK(at(kOuterType, 2) == "0600");
  CHECK(at(kSignatureData + 134, 384) == to_hex(counted<384>(22)));
  CHECK(at(kSignatureData + 518, 64) == to_hex(counted<64>(23)));
  CHECK(at(kAuthSize, 2) == "2000");
  CHECK(at(kAuthSize + 2 + 32, 2) == "0500");
  CHECK(quote.signed_bytes().size() == 632);
  CHECK(raw.size() == Quote::kMinSize + 32 + 100);
}

TEST_CASE("what is built is read back, field by field and byte by byte") {
  const struct {
    const char* name;
    Quote quote;
    std::size_t signed_size;
  } cases[] = {
      {"version 4", sample_quote(), 632},
      {"version 4, smallest", sample_quote(4, 0, 0), 632},
      {"version 5, TD 1.0", sample_quote(5), 638},
      {"version 5, TD 1.5", sample_td15(), 702},
      {"long authentication data", sample_quote(4, 0xffff, 0), 632},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto parsed = Quote::parse(c.quote.raw());
    REQUIRE(parsed.has_value());
    CHECK(parsed->header() == c.quote.header());
    CHECK(parsed->report() == c.quote.report());
    CHECK(parsed->signature() == c.quote.signature());
    CHECK(bytes_of(*parsed) == bytes_of(c.quote));
    CHECK(parsed->signed_bytes().size() == c.signed_size);
    CHECK(parsed->trailing_bytes() == 0);
    const auto again = Quote::build(parsed->header(), parsed->report(), parsed->signature());
    REQUIRE(again.has_value());
    CHECK(bytes_of(*again) == bytes_of(c.quote));
  }
  CHECK(sample_td15().report() == sample_report_td15());
  CHECK(sample_quote(4, 0, 0).raw().size() == Quote::kMinSize);
}

TEST_CASE("bytes behind the signature data are counted and left out") {
  const auto quote = sample_quote();
  for (const std::size_t trailing : {1U, 70U, 3000U}) {
    auto raw = bytes_of(quote);
    raw.resize(raw.size() + trailing, std::byte{0x5a});
    const auto parsed = Quote::parse(raw);
    REQUIRE(parsed.has_value());
    CHECK(parsed->trailing_bytes() == trailing);
    CHECK(bytes_of(*parsed) == bytes_of(quote));
  }
}

TEST_CASE("any bit of the lowest attribute byte is debug, and no other") {
  TdReport report;
  CHECK_FALSE(report.debug());
  for (int bit = 0; bit < 64; ++bit) {
    report.td_attributes = std::uint64_t{1} << bit;
    CHECK(report.debug() == (bit < 8));
  }
}

TEST_CASE("Quote::parse rejects bytes that are not a TDX quote") {
  const auto good = bytes_of(sample_quote());
  const auto v5 = bytes_of(sample_quote(5));
  const auto td15 = bytes_of(sample_td15());
  const auto inner_type = kAuthSize + 2 + 32;
  const struct {
    const char* name;
    Bytes raw;
    ErrorCode code;
    const char* message;
  } cases[] = {
      {"empty", {}, ErrorCode::invalid_argument, "0 bytes, want 1226..131072"},
      {"one byte short", resized(good, 1225), ErrorCode::invalid_argument, "1225 bytes, want 1226..131072"},
      {"too large", resized(good, 131073), ErrorCode::invalid_argument, "131073 bytes, want 1226..131072"},
      {"version 3", with_number(good, 0, 2, 3), ErrorCode::unsupported, "version 3, want 4 or 5"},
      {"version 6", with_number(good, 0, 2, 6), ErrorCode::unsupported, "version 6, want 4 or 5"},
      {"version 4 in the other byte order", with_number(good, 0, 2, 0x0400), ErrorCode::unsupported,
       "version 1024, want 4 or 5"},
      {"P-384", with_number(good, 2, 2, 3), ErrorCode::unsupported, "attestation key type 3, want 2 (ECDSA P-256)"},
      {"SGX", with_number(good, 4, 4, 0), ErrorCode::unsupported, "TEE type 0x0, want 0x81 (TDX)"},
      {"another vendor", with_number(good, 12, 1, 0), ErrorCode::unsupported, "QE vendor is not Intel"},
      {"SGX body", with_number(v5, kDescriptor, 2, 1), ErrorCode::unsupported, "body type 1, want 2 or 3"},
      {"extended body", with_number(v5, kDescriptor, 2, 4), ErrorCode::unsupported, "body type 4, want 2 or 3"},
      {"type 2 with another size", with_number(v5, kDescriptor + 2, 4, 648), ErrorCode::malformed,
       "body of type 2 has 648 bytes, want 584"},
      {"type 3 with another size", with_number(td15, kDescriptor + 2, 4, 0xffffffff), ErrorCode::malformed,
       "body of type 3 has 4294967295 bytes, want 648"},
      {"signature data cut", resized(good, good.size() - 1), ErrorCode::malformed,
       "signature data says 722 bytes, 721 follow"},
      {"signature data that says all", with_number(good, kSignatureSize, 4, 0xffffffff), ErrorCode::malformed,
       "signature data says 4294967295 bytes, 722 follow"},
      {"no signature data", with_number(good, kSignatureSize, 4, 0), ErrorCode::malformed,
       "signature data ends too early"},
      {"signature data without its certification", with_number(good, kSignatureSize, 4, 133), ErrorCode::malformed,
       "signature data ends too early"},
      {"PCK chain outside", with_number(good, kOuterType, 2, 5), ErrorCode::unsupported,
       "certification data type 5, want 6"},
      {"outer size one less", with_number(good, kOuterType + 2, 4, 587), ErrorCode::malformed,
       "certification data says 587 bytes, 588 follow"},
      {"outer size one more", with_number(good, kOuterType + 2, 4, 589), ErrorCode::malformed,
       "certification data says 589 bytes, 588 follow"},
      {"outer size that wraps", with_number(good, kOuterType + 2, 4, 0xfffffffa), ErrorCode::malformed,
       "certification data says 4294967290 bytes, 588 follow"},
      {"QE report cut", with_number(with_number(good, kSignatureSize, 4, 134 + 383), kOuterType + 2, 4, 383),
       ErrorCode::malformed, "QE certification data ends too early"},
      {"authentication data that says all", with_number(good, kAuthSize, 2, 0xffff), ErrorCode::malformed,
       "QE certification data ends too early"},
      {"encrypted PPID inside", with_number(good, inner_type, 2, 3), ErrorCode::unsupported,
       "PCK certification data type 3, want 5 (PEM chain)"},
      {"QE report inside", with_number(good, inner_type, 2, 6), ErrorCode::unsupported,
       "PCK certification data type 6, want 5 (PEM chain)"},
      {"inner size one less", with_number(good, inner_type + 2, 4, 99), ErrorCode::malformed,
       "PCK chain says 99 bytes, 100 follow"},
      {"inner size one more", with_number(good, inner_type + 2, 4, 101), ErrorCode::malformed,
       "PCK chain says 101 bytes, 100 follow"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto quote = Quote::parse(c.raw);
    REQUIRE_FALSE(quote.has_value());
    CHECK(quote.error().code == c.code);
    CHECK(quote.error().message == "cannot parse quote: " + std::string(c.message));
  }
}

TEST_CASE("a quote cut anywhere is refused") {
  for (const auto& raw : {bytes_of(sample_quote()), bytes_of(sample_td15())})
    for (std::size_t size = 0; size < raw.size(); ++size) {
      CAPTURE(size);
      CHECK_FALSE(Quote::parse(ByteView(raw).first(size)).has_value());
    }
}

TEST_CASE("Quote::build refuses parts that make no quote") {
  auto half = sample_report_td15();
  half.mrservicetd.reset();
  auto other_vendor = header_of(4);
  other_vendor.qe_vendor_id = {};
  const struct {
    const char* name;
    QuoteHeader header;
    TdReport report;
    QuoteSignature signature;
    ErrorCode code;
  } cases[] = {
      {"TD 1.5 in version 4", header_of(4), sample_report_td15(), sample_signature(0, 0), ErrorCode::invalid_argument},
      {"one TD 1.5 field", header_of(5), half, sample_signature(0, 0), ErrorCode::invalid_argument},
      {"authentication data too long", header_of(4), sample_report(), sample_signature(0x10000, 0),
       ErrorCode::invalid_argument},
      {"certificates too long", header_of(4), sample_report(), sample_signature(0, Quote::kMaxSize),
       ErrorCode::invalid_argument},
      {"version 3", header_of(3), sample_report(), sample_signature(0, 0), ErrorCode::unsupported},
      {"another vendor", other_vendor, sample_report(), sample_signature(0, 0), ErrorCode::unsupported},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto quote = Quote::build(c.header, c.report, c.signature);
    REQUIRE_FALSE(quote.has_value());
    CHECK(quote.error().code == c.code);
    CHECK(quote.error().message.starts_with("cannot build quote: "));
  }
}
