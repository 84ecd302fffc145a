// QuoteService, awaited.
#pragma once

#include "dd/quote_source.hpp"
#include "libdd/net/task.hpp"

namespace dd::enclave {

/// `service` may be null. Errors: as QuoteService::request; unsupported without a service.
net::Task<Result<Quote>> take_quote(QuoteService* service, ReportData report_data);

}  // namespace dd::enclave
