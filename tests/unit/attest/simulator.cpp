#include "libdd/attest/simulated/simulator.hpp"

#include <sys/stat.h>

#include <doctest/doctest.h>

#include "libdd/attest/quote_signature.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/crypto/x509.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/attest/quote_forge.hpp"

using namespace dd;
using namespace std::chrono_literals;

namespace {

constexpr const char* kDigest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

std::int64_t now() { return system_clock().unix_seconds(); }

}  // namespace

TEST_CASE("a simulated quote verifies under the simulator's root, and under no other") {
  const auto root = attest::make_simulator_root().value();
  const auto source = attest::make_simulated_quote_source(root, attest::simulated_measurements(kDigest)).value();
  const auto quote = source->quote(counted<64>(1), 1s);
  REQUIRE(quote.has_value());
  CHECK(attest::verify_quote_signature(*quote, root.certificate_pem, now()).has_value());

  const auto other = attest::make_simulator_root().value();
  const auto refused = attest::verify_quote_signature(*quote, other.certificate_pem, now());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message ==
        "cannot verify quote: step 3, trust anchor: the chain ends in \"libdd simulator root, not Intel, not TDX\", "
        "not in the pinned root");
}

TEST_CASE("a simulated quote is a version 4 quote that cannot be mistaken for a genuine one") {
  const auto root = attest::make_simulator_root().value();
  const auto measured = attest::simulated_measurements(kDigest);
  const auto source = attest::make_simulated_quote_source(root, measured).value();
  const auto quote = source->quote(counted<64>(1), 1s).value();
  CHECK(source->attestation_type() == "tdx-simulated");
  CHECK(quote.header().version == 4);
  CHECK(quote.report().debug());
  CHECK(quote.report().report_data == counted<64>(1));
  CHECK(quote.report().mrtd == measured.mrtd);
  for (std::size_t i = 0; i < 3; ++i) CHECK(quote.report().rtmr[i] == measured.rtmr[i]);
  CHECK(quote.report().rtmr[3] == Measurement{});
  CHECK(quote.report().seam_attributes == 0);
  CHECK((quote.report().xfam & 3) == 3);
  CHECK(quote.trailing_bytes() == 0);
}

TEST_CASE("RTMR3 of a simulated TD extends as hardware does") {
  const auto root = attest::make_simulator_root().value();
  const auto source = attest::make_simulated_quote_source(root, {}).value();
  REQUIRE(source->can_extend());
  const auto first = counted<48>(1);
  const auto second = counted<48>(2);
  REQUIRE(source->extend_rtmr3(first).has_value());
  REQUIRE(source->extend_rtmr3(second).has_value());
  const auto want = crypto::extend(crypto::extend(Digest384{}, first), second);
  CHECK(source->quote({}, 1s).value().report().rtmr[3] == want);
}

TEST_CASE("each simulated TD has an attestation key of its own, and one platform's quotes share it") {
  const auto root = attest::make_simulator_root().value();
  const auto a = attest::make_simulated_quote_source(root, {}).value();
  const auto b = attest::make_simulated_quote_source(root, {}).value();
  const auto first = a->quote({}, 1s).value();
  const auto again = a->quote(counted<64>(1), 1s).value();
  CHECK(first.signature().attestation_key == again.signature().attestation_key);
  CHECK(first.signature().attestation_key != b->quote({}, 1s).value().signature().attestation_key);
}

TEST_CASE("the measurements follow the runtime's digest") {
  const auto one = attest::simulated_measurements(kDigest);
  const auto same = attest::simulated_measurements(kDigest);
  const auto other = attest::simulated_measurements("sha256:b");
  CHECK(one.mrtd == same.mrtd);
  CHECK(one.rtmr == same.rtmr);
  CHECK(one.mrtd != other.mrtd);
  CHECK(one.rtmr[0] != one.rtmr[1]);
  CHECK(one.rtmr[1] != other.rtmr[1]);
}

TEST_CASE("the simulator's certificates end after seven days") {
  ManualClock clock(Clock::TimePoint{} + 1'000'000s);
  const auto root = attest::make_simulator_root(clock).value();
  clock.advance(24h);
  const auto source = attest::make_simulated_quote_source(root, {}, clock).value();
  const auto quote = source->quote({}, 1s).value();
  CHECK(attest::verify_quote_signature(quote, root.certificate_pem, clock.unix_seconds()).has_value());
  clock.advance(6 * 24h);
  CHECK(attest::verify_quote_signature(quote, root.certificate_pem, clock.unix_seconds()).has_value());
  clock.advance(1s);
  CHECK_FALSE(attest::verify_quote_signature(quote, root.certificate_pem, clock.unix_seconds()).has_value());
}

TEST_CASE("the simulator file carries root and measurements to another process, for its owner only") {
  const TempDir dir;
  const auto file = dir.path() / "simulator.json";
  const auto root = attest::make_simulator_root().value();
  REQUIRE(attest::write_simulator_file(file, root, "sha256:old").has_value());
  REQUIRE(attest::write_simulator_file(file, root, kDigest).has_value());
  struct stat status{};
  REQUIRE(stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);

  const auto source = make_simulated_quote_source(file);
  REQUIRE(source.has_value());
  const auto quote = (*source)->quote({}, 1s).value();
  CHECK(quote.report().mrtd == attest::simulated_measurements(kDigest).mrtd);
  CHECK(attest::verify_quote_signature(quote, root.certificate_pem, now()).has_value());
}

TEST_CASE("a simulator file that is none is refused") {
  const TempDir dir;
  const auto root = attest::make_simulator_root().value();
  const struct {
    const char* name;
    std::string content;
    ErrorCode code;
  } cases[] = {
      {"empty", "", ErrorCode::invalid_argument},
      {"no JSON", "root", ErrorCode::malformed},
      {"no key", R"({"root_certificate":"x","runtime_digest":"sha256:a"})", ErrorCode::malformed},
      {"a member that is not ours", R"({"root_certificate":"x","root_key":"x","runtime_digest":"y","more":1})",
       ErrorCode::invalid_argument},
      {"a certificate that is none", R"({"root_certificate":"x","root_key":"x","runtime_digest":"y"})",
       ErrorCode::malformed},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto source = make_simulated_quote_source(dir.write("file", c.content));
    REQUIRE_FALSE(source.has_value());
    CHECK(source.error().code == c.code);
    CHECK(source.error().message.starts_with("cannot "));
  }
  CHECK_FALSE(make_simulated_quote_source(dir.path() / "absent").has_value());
  CHECK_FALSE(attest::write_simulator_file(dir.path() / "no" / "folder", root, kDigest).has_value());
}
