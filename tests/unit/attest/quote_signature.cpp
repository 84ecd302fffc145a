#include "libdd/attest/quote_signature.hpp"

#include <functional>

#include <doctest/doctest.h>

#include "tests/unit/attest/quote_forge.hpp"

using namespace dd;
using attest::verify_quote_signature;

namespace {

constexpr auto kNow = QuoteForge::kNow;

void check_refused(const Result<void>& verified, std::string_view step) {
  REQUIRE_FALSE(verified.has_value());
  CHECK(verified.error().code == ErrorCode::unauthenticated);
  CHECK(verified.error().message == "cannot verify quote: " + std::string(step));
}

}  // namespace

TEST_CASE("a quote of any supported form verifies under its root") {
  struct Form {
    const char* name;
    std::uint16_t version;
    TdReport report;
    std::size_t auth_data;
  };
  const Form forms[] = {{"version 4", 4, sample_report(), 32},
                        {"version 5, TD 1.0", 5, sample_report(), 0},
                        {"version 5, TD 1.5", 5, sample_report_td15(), 500}};
  for (const auto& form : forms) {
    CAPTURE(form.name);
    QuoteForge forge;
    forge.header.version = form.version;
    forge.report = form.report;
    forge.qe_auth_data.resize(form.auth_data);
    const auto quote = forge.forge();
    const auto verified = verify_quote_signature(quote, forge.root_pem, kNow);
    CHECK_MESSAGE(verified.has_value(), (verified ? "" : verified.error().message));
  }
}

TEST_CASE("the Processor CA is as good, and dates include both ends") {
  QuoteForge forge;
  forge.ca_terms.common_name = "Intel SGX PCK Processor CA";
  const auto quote = forge.forge();
  CHECK(verify_quote_signature(quote, forge.root_pem, QuoteForge::kFrom).has_value());
  CHECK(verify_quote_signature(quote, forge.root_pem, QuoteForge::kUntil).has_value());
}

TEST_CASE("each step refuses what only it can see") {
  using Change = std::function<void(QuoteForge&)>;
  const auto other_key = crypto::EcPrivateKey::generate();
  const auto chain = [](auto compose) {
    return Change([compose](QuoteForge& f) {
      f.make_chain();
      f.certificates = compose(f);
    });
  };
  const struct {
    const char* name;
    Change change;
    const char* step;
  } cases[] = {
      {"no certificates", chain([](QuoteForge&) { return ""; }),
       "step 2, PCK chain: cannot read certificates: 0 PEM blocks, want 1..3"},
      {"no root", chain([](QuoteForge& f) { return f.leaf_pem + f.ca_pem; }),
       "step 2, PCK chain: 2 certificates, want 3"},
      {"a fourth certificate", chain([](QuoteForge& f) { return f.leaf_pem + f.ca_pem + f.root_pem + f.root_pem; }),
       "step 2, PCK chain: cannot read certificates: 4 PEM blocks, want 1..3"},
      {"another order", chain([](QuoteForge& f) { return f.ca_pem + f.leaf_pem + f.root_pem; }),
       "step 2, PCK chain: the first certificate is not a PCK certificate"},
      {"another leaf name", [](QuoteForge& f) { f.leaf_terms.common_name = "Intel SGX PCK Certificate 2"; },
       "step 2, PCK chain: the first certificate is not a PCK certificate"},
      {"another CA name", [](QuoteForge& f) { f.ca_terms.common_name = "Intel SGX TCB Signing"; },
       "step 2, PCK chain: the second certificate is not a PCK CA"},
      {"a leaf that is a CA", [](QuoteForge& f) { f.leaf_terms.path_length = 0; },
       "step 2, PCK chain: the PCK certificate is a CA"},
      {"a PCK CA that is none", [](QuoteForge& f) { f.ca_terms.path_length.reset(); },
       "step 2, PCK chain: the PCK CA is no CA with path length 0"},
      {"a PCK CA for CAs", [](QuoteForge& f) { f.ca_terms.path_length = 1; },
       "step 2, PCK chain: the PCK CA is no CA with path length 0"},
      {"a root that is no CA", [](QuoteForge& f) { f.root_terms.path_length.reset(); },
       "step 2, PCK chain: the root is no CA with path length 1"},
      {"a root for another depth", [](QuoteForge& f) { f.root_terms.path_length = 2; },
       "step 2, PCK chain: the root is no CA with path length 1"},
      {"a leaf not valid yet", [](QuoteForge& f) { f.leaf_terms.not_before = kNow + 1; },
       "step 4, dates: the PCK certificate is not valid yet"},
      {"an expired leaf", [](QuoteForge& f) { f.leaf_terms.not_after = kNow - 1; },
       "step 4, dates: the PCK certificate has expired"},
      {"an expired PCK CA", [](QuoteForge& f) { f.ca_terms.not_after = kNow - 1; },
       "step 4, dates: the PCK CA has expired"},
      {"an expired root", [](QuoteForge& f) { f.root_terms.not_after = kNow - 1; },
       "step 4, dates: the root has expired"},
      {"a leaf that its CA did not sign", [&](QuoteForge& f) { f.leaf_signer = other_key; },
       "step 4, signatures: the PCK certificate is not signed by its issuer with ecdsa-with-SHA256"},
      {"a CA that the root did not sign", [&](QuoteForge& f) { f.ca_signer = other_key; },
       "step 4, signatures: the PCK CA is not signed by its issuer with ecdsa-with-SHA256"},
      {"a QE report of another platform", [&](QuoteForge& f) { f.qe_report_signer = other_key; },
       "step 10, QE report: not signed by the PCK key"},
      {"a QE report for another key",
       [&](QuoteForge& f) {
         f.attestation_key = other_key;
         f.qe_report_data = Digest512{};
       },
       "step 11, QE report: its report data does not bind the attestation key"},
      {"an attestation key that is no point", [](QuoteForge& f) { f.attestation_point = counted<64>(1); },
       "step 13, quote signature: the attestation key is not on P-256"},
      {"a quote signed with another key", [&](QuoteForge& f) { f.quote_signer = other_key; },
       "step 13, quote signature: not made by the attestation key"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    QuoteForge forge;
    c.change(forge);
    const auto quote = forge.forge();
    check_refused(verify_quote_signature(quote, forge.root_pem, kNow), c.step);
  }
}

TEST_CASE("the second half of the QE's report data must be zero") {
  QuoteForge forge;
  const auto good = forge.forge();
  Digest512 data{};
  std::copy_n(good.signature().qe_report.begin() + 320, 64, data.begin());
  data[63] = std::byte{1};
  forge.qe_report_data = data;
  check_refused(verify_quote_signature(forge.forge(), forge.root_pem, kNow),
                "step 11, QE report: its report data does not bind the attestation key");
}

TEST_CASE("a root is never trusted because it came with the quote") {
  QuoteForge forge;
  const auto quote = forge.forge();
  QuoteForge other;
  other.make_chain();
  check_refused(verify_quote_signature(quote, other.root_pem, kNow),
                "step 3, trust anchor: the chain ends in \"a test's root\", not in the pinned root");

  // The vendor compares the key; a second certificate for it is another anchor here.
  QuoteForge same_key;
  same_key.root_key = forge.root_key;
  same_key.make_chain();
  check_refused(verify_quote_signature(quote, same_key.root_pem, kNow),
                "step 3, trust anchor: the chain ends in \"a test's root\", not in the pinned root");

  const auto none = verify_quote_signature(quote, "", kNow);
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().message ==
        "cannot verify quote: the pinned root: cannot read certificates: 0 PEM blocks, want 1..1");
}

TEST_CASE("one altered byte in any signed field is seen, and by the right step") {
  QuoteForge forge;
  const auto good = forge.forge();
  const Bytes raw(good.raw().begin(), good.raw().end());
  const std::size_t auth = 32;
  const struct {
    const char* field;
    std::size_t offset;
    int step;
  } fields[] = {
      {"header, reserved", 8, 13},
      {"header, user data", 28, 13},
      {"TEE_TCB_SVN", 48, 13},
      {"MRSEAM", 64, 13},
      {"MRSIGNERSEAM", 112, 13},
      {"SEAMATTRIBUTES", 160, 13},
      {"TDATTRIBUTES", 168, 13},
      {"XFAM", 176, 13},
      {"MRTD", 184, 13},
      {"MRCONFIGID", 232, 13},
      {"MROWNER", 280, 13},
      {"MROWNERCONFIG", 328, 13},
      {"RTMR0", 376, 13},
      {"RTMR1", 424, 13},
      {"RTMR2", 472, 13},
      {"RTMR3", 520, 13},
      {"REPORTDATA, first", 568, 13},
      {"REPORTDATA, last", 631, 13},
      {"signature, r", 636, 13},
      {"signature, s", 668, 13},
      {"attestation key, x", 700, 11},
      {"attestation key, y", 732, 11},
      {"QE CPUSVN", 770, 10},
      {"QE MRENCLAVE", 770 + 64, 10},
      {"QE report data", 770 + 320, 10},
      {"QE report signature", 1154, 10},
      {"QE authentication data", 1220, 11},
      {"PCK certificate", 1226 + auth + 400, 4},
  };
  for (const auto& field : fields) {
    CAPTURE(field.field);
    auto altered = raw;
    // A letter of base64 stays one.
    altered[field.offset] =
        field.step == 4 ? std::byte{altered[field.offset] == std::byte{'A'} ? std::uint8_t{'B'} : std::uint8_t{'A'}}
                        : altered[field.offset] ^ std::byte{1};
    const auto quote = Quote::parse(altered);
    REQUIRE(quote.has_value());
    const auto verified = verify_quote_signature(*quote, forge.root_pem, kNow);
    REQUIRE_FALSE(verified.has_value());
    CHECK(verified.error().code == ErrorCode::unauthenticated);
    CHECK(verified.error().message.starts_with("cannot verify quote: step " + std::to_string(field.step) + ", "));
  }
}

TEST_CASE("bytes behind the quote change nothing") {
  QuoteForge forge;
  const auto good = forge.forge();
  Bytes padded(good.raw().begin(), good.raw().end());
  padded.resize(padded.size() + 3000, std::byte{0x5a});
  const auto quote = Quote::parse(padded);
  REQUIRE(quote.has_value());
  CHECK(verify_quote_signature(*quote, forge.root_pem, kNow).has_value());
}
