#include <utility>

#include "dd/clock.hpp"
#include "libdd/attest/simulated/platform.hpp"
#include "libdd/attest/simulated/simulator.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd {
namespace attest {
namespace {

constexpr std::uint64_t kDebug = 1;  // TDATTRIBUTES bit 0: unmistakable, and refused wherever simulation is off
constexpr std::uint64_t kSeptVeDisable = std::uint64_t{1} << 28;  // as Linux guests have it
constexpr std::uint64_t kXfam = 0x618e7;
// Module generation 1 (TDX 1.5), its SVN 5, loader 2.
constexpr std::array<std::byte, 16> kTeeTcbSvn = {std::byte{5}, std::byte{1}, std::byte{2}};

// A TD: launch-time fields, and the register that its runtime extends.
class SimulatedQuoteSource final : public QuoteSource {
 public:
  SimulatedQuoteSource(SimulatedPlatform platform, const SimulatedMeasurements& measurements)
      : platform_(std::move(platform)) {
    report_.tee_tcb_svn = kTeeTcbSvn;
    report_.mrseam = crypto::sha384(as_bytes("dd/simulated/mrseam/v1"));
    report_.td_attributes = kDebug | kSeptVeDisable;
    report_.xfam = kXfam;
    report_.mrtd = measurements.mrtd;
    std::ranges::copy(measurements.rtmr, report_.rtmr.begin());
  }

  std::string attestation_type() const override { return "tdx-simulated"; }
  bool can_extend() const override { return true; }

  // Takes well under a millisecond, so the deadline is never the reason for anything.
  Result<Quote> quote(const ReportData& report_data, std::chrono::milliseconds /*deadline*/) override {
    auto report = report_;
    report.report_data = report_data;
    return platform_.sign(report);
  }

  Result<void> extend_rtmr3(const Digest384& digest) override {
    report_.rtmr[3] = crypto::extend(report_.rtmr[3], digest);
    return {};
  }

 private:
  SimulatedPlatform platform_;
  TdReport report_;
};

}  // namespace

Result<std::unique_ptr<QuoteSource>> make_simulated_quote_source(const SimulatorRoot& root,
                                                                 const SimulatedMeasurements& measurements,
                                                                 const Clock& clock) {
  auto platform = SimulatedPlatform::make(root, clock.unix_seconds());
  if (!platform) return tl::unexpected(platform.error());
  return std::make_unique<SimulatedQuoteSource>(*std::move(platform), measurements);
}

}  // namespace attest

Result<std::unique_ptr<QuoteSource>> make_simulated_quote_source(const std::filesystem::path& file) {
  const auto read = attest::read_simulator_file(file);
  if (!read) return tl::unexpected(read.error());
  return attest::make_simulated_quote_source(read->root, attest::simulated_measurements(read->runtime_digest));
}

}  // namespace dd
