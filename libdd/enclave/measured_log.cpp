#include "libdd/enclave/measured_log.hpp"

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "dd/report_data.hpp"
#include "libdd/enclave/quotes.hpp"

namespace dd::enclave {

MeasuredLog::MeasuredLog(net::asio::any_io_executor executor, net::asio::thread_pool& pool, std::unique_ptr<QuoteService> service)
    : executor_(std::move(executor)), pool_(pool), service_(std::move(service)), turn_(executor_) {}

net::Task<Result<void>> MeasuredLog::record(Json event) {
  const auto turn = co_await turn_.take();
  if (out_of_step_) co_return fail(ErrorCode::unavailable, "cannot record event: RTMR3 could not be extended earlier, restart the VM");
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
  BoundQuote bound;
  std::optional<PendingQuote> pending;
  {
    const auto turn = co_await turn_.take();
    // Inside the turn no extend is under way, and the service makes quotes and extends in the order of the calls: RTMR3 will be this head.
    bound.quoted_events = log_.size();
    bound.log_head = log_.head();
    auto data = compose(bound.log_head);
    if (!data) co_return tl::unexpected(data.error());
    bound.runtime_data = *std::move(data);
    pending.emplace(executor_, service_.get(), report_data_of(bound.runtime_data));
  }
  const auto quote = co_await pending->result();
  if (!quote) co_return wrap(quote.error(), "cannot bind a quote to the event log");
  const auto raw = quote->raw();
  bound.quote.assign(raw.begin(), raw.end());
  co_return bound;
}

net::Task<Result<Quote>> MeasuredLog::unbound_quote(ReportData report_data) {
  const PendingQuote pending(executor_, service_.get(), report_data);
  co_return co_await pending.result();
}

std::string MeasuredLog::attestation_type() const { return service_ ? service_->attestation_type() : "none"; }

std::string MeasuredLog::rtmr3_state() const { return service_ && service_->can_extend() ? "extended" : "unavailable"; }

}  // namespace dd::enclave
