#include "libdd/enclave/measured_log.hpp"

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "dd/report_data.hpp"
#include "libdd/enclave/quotes.hpp"

namespace dd::enclave {

MeasuredLog::MeasuredLog(net::asio::any_io_executor executor, net::asio::thread_pool& pool,
                         std::unique_ptr<QuoteService> service)
    : pool_(pool), service_(std::move(service)), turn_(std::move(executor)) {}

net::Task<Result<void>> MeasuredLog::record(Json event) {
  const auto turn = co_await turn_.take();
  if (out_of_step_)
    co_return fail(ErrorCode::unavailable, "cannot record event: RTMR3 could not be extended earlier, restart the VM");
  const auto digest = log_.append(event);
  if (!digest) co_return wrap(digest.error(), "cannot record event");
  if (!service_ || !service_->can_extend()) co_return Result<void>{};

  Result<void> extended;
  // It waits for a quote that is being made, so not on the io thread.
  std::function<void()> extend = [this, &extended, value = *digest] { extended = service_->extend_rtmr3(value); };
  co_await net::run_on(pool_, std::move(extend));
  if (extended) co_return Result<void>{};
  out_of_step_ = true;
  log::error("RTMR3 is out of step with the event log", {{"error", extended.error().message}});
  co_return wrap(extended.error(), "cannot record event");
}

net::Task<Result<BoundQuote>> MeasuredLog::quote(Compose compose) {
  // To the end of the quote: an event that came between would be in RTMR3 and not in the head.
  const auto turn = co_await turn_.take();
  BoundQuote bound;
  bound.quoted_events = log_.size();
  bound.log_head = log_.head();
  auto data = compose(bound.log_head);
  if (!data) co_return tl::unexpected(data.error());
  bound.runtime_data = *std::move(data);
  const auto report_data = report_data_of(bound.runtime_data);
  const auto quote = co_await take_quote(service_.get(), report_data);
  if (!quote) co_return tl::unexpected(quote.error());
  const auto raw = quote->raw();
  bound.quote.assign(raw.begin(), raw.end());
  co_return bound;
}

net::Task<Result<Quote>> MeasuredLog::unbound_quote(ReportData report_data) {
  co_return co_await take_quote(service_.get(), report_data);
}

std::string MeasuredLog::attestation_type() const { return service_ ? service_->attestation_type() : "none"; }

std::string MeasuredLog::rtmr3_state() const { return service_ && service_->can_extend() ? "extended" : "unavailable"; }

}  // namespace dd::enclave
