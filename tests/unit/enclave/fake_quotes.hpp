// A quote source in memory: quotes that parse, an RTMR3 that extends, and failures on demand.
#pragma once

#include <atomic>

#include "dd/quote_source.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd::test {

/// What a test sees and sets; shared with the source, which the service owns.
struct FakeTdx {
  Digest384 rtmr3{};
  std::atomic<bool> can_extend = true;
  std::atomic<bool> fails_to_extend = false;
  std::atomic<int> quotes = 0;
};

class FakeQuoteSource final : public QuoteSource {
 public:
  explicit FakeQuoteSource(std::shared_ptr<FakeTdx> tdx) : tdx_(std::move(tdx)) {}

  [[nodiscard]] std::string attestation_type() const override { return "tdx"; }
  [[nodiscard]] Result<Quote> quote(const ReportData& report_data, std::chrono::milliseconds) override {
    ++tdx_->quotes;
    TdReport report;
    report.rtmr[3] = tdx_->rtmr3;
    report.report_data = report_data;
    return Quote::build({}, report, {});
  }
  [[nodiscard]] bool can_extend() const override { return tdx_->can_extend; }
  [[nodiscard]] Result<void> extend_rtmr3(const Digest384& digest) override {
    if (tdx_->fails_to_extend) return fail(ErrorCode::unavailable, "cannot extend RTMR3: told to fail");
    tdx_->rtmr3 = crypto::extend(tdx_->rtmr3, digest);
    return {};
  }

 private:
  std::shared_ptr<FakeTdx> tdx_;
};

[[nodiscard]] inline std::unique_ptr<QuoteService> make_fake_quotes(std::shared_ptr<FakeTdx> tdx) {
  return std::make_unique<QuoteService>(std::make_unique<FakeQuoteSource>(std::move(tdx)));
}

}  // namespace dd::test
