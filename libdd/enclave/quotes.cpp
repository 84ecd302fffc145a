#include "libdd/enclave/quotes.hpp"

#include <boost/asio/post.hpp>

namespace dd::enclave {
namespace {

// Stock kernels ask the host once a second, up to thirty times.
constexpr std::chrono::seconds kQuoteDeadline{40};

}  // namespace

PendingQuote::PendingQuote(net::asio::any_io_executor executor, QuoteService* service, const ReportData& report_data)
    : state_(std::make_shared<State>(executor)) {
  if (service == nullptr) {
    state_->outcome = fail(ErrorCode::unsupported, "cannot make a quote: this machine has neither a tdx_guest provider in configfs-tsm nor a simulator");
    return;
  }
  // Called on the service's thread; the state belongs to ours.
  service->request(report_data, kQuoteDeadline, [state = state_, executor](Result<Quote> quote) {
    net::asio::post(executor, [state, quote = std::move(quote)]() mutable {
      state->outcome = std::move(quote);
      state->done.notify();
    });
  });
}

net::Task<Result<Quote>> PendingQuote::result() const {
  const auto state = state_;
  while (!state->outcome) co_await state->done.wait(kQuoteDeadline);
  co_return *state->outcome;
}

}  // namespace dd::enclave
