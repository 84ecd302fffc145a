#include "libdd/enclave/quotes.hpp"

#include <optional>

#include <boost/asio/post.hpp>

namespace dd::enclave {
namespace {

// Stock kernels ask the host once a second, up to thirty times.
constexpr std::chrono::seconds kQuoteDeadline{40};

struct Pending {
  explicit Pending(net::asio::any_io_executor executor) : done(std::move(executor)) {}
  net::Event done;
  std::optional<Result<Quote>> outcome;
};

}  // namespace

net::Task<Result<Quote>> take_quote(QuoteService* service, ReportData report_data) {
  if (service == nullptr)
    co_return fail(
        ErrorCode::unsupported,
        "cannot make a quote: this machine has neither a tdx_guest provider in configfs-tsm nor a simulator");
  const auto executor = co_await net::this_executor();
  const auto pending = std::make_shared<Pending>(executor);
  // Called on the service's thread; the event belongs to ours.
  service->request(report_data, kQuoteDeadline, [pending, executor](Result<Quote> quote) {
    net::asio::post(executor, [pending, quote = std::move(quote)]() mutable {
      pending->outcome = std::move(quote);
      pending->done.notify();
    });
  });
  while (!pending->outcome) co_await pending->done.wait(kQuoteDeadline);
  co_return *std::move(pending->outcome);
}

}  // namespace dd::enclave
