// QuoteService, awaited.
#pragma once

#include <optional>

#include "dd/quote_source.hpp"
#include "libdd/net/task.hpp"

namespace dd::enclave {

/// A quote that is asked for at once, when this is made: its place among other quotes and extends is taken then.
class PendingQuote {
 public:
  /// `service` may be null: the result is `unsupported`.
  PendingQuote(net::asio::any_io_executor executor, QuoteService* service, const ReportData& report_data);
  /// Errors: as QuoteService::request.
  net::Task<Result<Quote>> result() const;

 private:
  struct State {
    explicit State(net::asio::any_io_executor executor) : done(std::move(executor)) {}
    net::Event done;
    std::optional<Result<Quote>> outcome;
  };
  std::shared_ptr<State> state_;
};

}  // namespace dd::enclave
