// The event log and RTMR3, moved together (docs/wire.md, 10).
#pragma once

#include <functional>

#include "dd/event_log.hpp"
#include "dd/quote_source.hpp"
#include "libdd/core/json.hpp"
#include "libdd/net/task.hpp"
#include "libdd/net/turns.hpp"

namespace boost::asio {
class thread_pool;
}

namespace dd::enclave {

/// A quote and what it was bound to.
struct BoundQuote {
  Bytes quote;
  Bytes runtime_data;  // P
  std::size_t quoted_events = 0;
  Digest384 log_head{};
};

/// Use on one io thread.
class MeasuredLog {
 public:
  /// `service` may be null: no quotes, and nothing to extend.
  MeasuredLog(net::asio::any_io_executor executor, net::asio::thread_pool& pool, std::unique_ptr<QuoteService> service);

  /// Appends the event and extends RTMR3, in this order; the caller acts after it returned without error. Errors: as EventLog::append;
  /// unavailable for good once RTMR3 could not be extended, since no later quote would fit the log.
  net::Task<Result<void>> record(Json event);

  /// P for the log as it stands when the quote is taken.
  using Compose = std::function<Result<Bytes>(const Digest384& log_head)>;
  /// A quote whose RTMR3 is the log_head that it is bound to.
  net::Task<Result<BoundQuote>> quote(Compose compose);
  /// A quote over chosen report data: only for those who own the machine anyway.
  net::Task<Result<Quote>> unbound_quote(ReportData report_data);

  [[nodiscard]] const EventLog& events() const noexcept { return log_; }
  /// "tdx", "tdx-simulated" or "none".
  [[nodiscard]] std::string attestation_type() const;
  /// "extended" or "unavailable".
  [[nodiscard]] std::string rtmr3_state() const;

 private:
  net::asio::thread_pool& pool_;
  std::unique_ptr<QuoteService> service_;
  EventLog log_;
  net::Turn turn_;
  bool out_of_step_ = false;
};

}  // namespace dd::enclave
