#include <future>
#include <latch>
#include <mutex>
#include <semaphore>

#include <doctest/doctest.h>

#include "dd/quote_source.hpp"
#include "libdd/crypto/digest.hpp"
#include "tests/unit/attest/quote_forge.hpp"

using namespace dd;
using namespace std::chrono_literals;

namespace {

// What a host did, seen by the test, which outlives the service.
struct Host {
  std::counting_semaphore<> asked{0};     // released when a call of quote() begins
  std::counting_semaphore<> may_go{0};    // taken before a call ends
  std::mutex mutex;
  std::vector<std::string> done;          // "quote <first byte>" and "extend <first byte>", in order
  std::optional<Error> failure;           // of the next quote
};

class GatedSource final : public QuoteSource {
 public:
  explicit GatedSource(Host& host) : host_(host) {}
  std::string attestation_type() const override { return "tdx-simulated"; }
  bool can_extend() const override { return true; }

  Result<Quote> quote(const ReportData& report_data, std::chrono::milliseconds /*deadline*/) override {
    host_.asked.release();
    host_.may_go.acquire();
    const std::lock_guard lock(host_.mutex);
    host_.done.push_back("quote " + to_hex(ByteView(report_data).first(1)));
    if (auto failure = std::exchange(host_.failure, std::nullopt)) return tl::unexpected(*failure);
    QuoteForge forge;
    forge.report.report_data = report_data;
    forge.report.rtmr[3] = rtmr3_;
    return forge.forge();
  }

  Result<void> extend_rtmr3(const Digest384& digest) override {
    rtmr3_ = crypto::extend(rtmr3_, digest);
    const std::lock_guard lock(host_.mutex);
    host_.done.push_back("extend " + to_hex(ByteView(digest).first(1)));
    return {};
  }

 private:
  Host& host_;
  Digest384 rtmr3_{};
};

std::future<Result<Quote>> ask(QuoteService& service, unsigned what, std::chrono::milliseconds deadline = 60s) {
  const auto promise = std::make_shared<std::promise<Result<Quote>>>();
  service.request(counted<64>(what), deadline,
                  [promise](Result<Quote> quote) { promise->set_value(std::move(quote)); });
  return promise->get_future();
}

bool answered(const std::future<Result<Quote>>& future) { return future.wait_for(0s) == std::future_status::ready; }

}  // namespace

TEST_CASE("a quote over the report data asked for comes back") {
  Host host;
  QuoteService service(std::make_unique<GatedSource>(host));
  auto quote = ask(service, 1);
  host.may_go.release();
  CHECK(quote.get().value().report().report_data == counted<64>(1));
  CHECK(service.attestation_type() == "tdx-simulated");
  CHECK(service.can_extend());
}

TEST_CASE("equal requests share one quote, also one that is being made") {
  Host host;
  QuoteService service(std::make_unique<GatedSource>(host));
  auto first = ask(service, 1);
  host.asked.acquire();
  auto joined = ask(service, 1);
  auto other = ask(service, 2);
  auto other_too = ask(service, 2);
  host.may_go.release(2);
  CHECK(first.get().has_value());
  CHECK(joined.get().has_value());
  CHECK(other.get().has_value());
  CHECK(other_too.get().has_value());
  CHECK(host.done == std::vector<std::string>{"quote 01", "quote 02"});
}

TEST_CASE("extensions keep their place among quotes, and a quote from before one is not shared after it") {
  Host host;
  QuoteService service(std::make_unique<GatedSource>(host));
  auto before = ask(service, 1);
  host.asked.acquire();
  auto queued = ask(service, 2);
  std::promise<void> calling;
  auto extended = std::async(std::launch::async, [&] {
    calling.set_value();
    return service.extend_rtmr3(counted<48>(3));
  });
  calling.get_future().wait();
  host.may_go.release(2);
  REQUIRE(extended.get().has_value());
  auto after = ask(service, 1);
  host.may_go.release();

  CHECK(before.get().value().report().rtmr[3] == Measurement{});
  CHECK(queued.get().has_value());
  CHECK(after.get().value().report().rtmr[3] == crypto::extend({}, counted<48>(3)));
  REQUIRE(host.done.size() == 4);
  CHECK(host.done.back() == "quote 01");
}

TEST_CASE("a queue that is full refuses at once, and a place is free again later") {
  Host host;
  QuoteService service(std::make_unique<GatedSource>(host), 1);
  auto running = ask(service, 1);
  host.asked.acquire();
  auto waiting = ask(service, 2);
  auto refused = ask(service, 3);
  REQUIRE(answered(refused));
  const auto error = refused.get();
  REQUIRE_FALSE(error.has_value());
  CHECK(error.error().code == ErrorCode::unavailable);
  CHECK(error.error().message == "cannot make a quote: 1 requests are waiting already");
  CHECK_FALSE(answered(ask(service, 2)));  // sharing takes no place

  host.may_go.release(2);
  CHECK(running.get().has_value());
  CHECK(waiting.get().has_value());
  host.may_go.release();
  CHECK(ask(service, 3).get().has_value());
}

TEST_CASE("a deadline is kept while the host is silent, and its quote goes on for others") {
  Host host;
  QuoteService service(std::make_unique<GatedSource>(host));
  auto patient = ask(service, 1);
  host.asked.acquire();
  auto hasty = ask(service, 1, 5ms);
  auto queued = ask(service, 2, 5ms);
  for (auto* late : {&hasty, &queued}) {
    const auto answer = late->get();  // while the host still holds the worker
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().code == ErrorCode::deadline_exceeded);
  }
  CHECK_FALSE(answered(patient));
  host.may_go.release();
  CHECK(patient.get().has_value());

  // Nobody waits for the second any more, so the host is not asked for it.
  auto third = ask(service, 3);
  host.may_go.release();
  CHECK(third.get().has_value());
  CHECK(host.done == std::vector<std::string>{"quote 01", "quote 03"});
}

TEST_CASE("who joins a quote with more time than it was given gets another try") {
  Host host;
  host.failure = Error{ErrorCode::deadline_exceeded, "cannot make a quote in time"};
  QuoteService service(std::make_unique<GatedSource>(host));
  auto first = ask(service, 1, 10min);
  host.asked.acquire();
  auto joined = ask(service, 1, 20min);
  host.may_go.release(2);
  CHECK(first.get().error().code == ErrorCode::deadline_exceeded);
  CHECK(joined.get().has_value());
}

TEST_CASE("a failure of the source reaches everybody who shared it") {
  Host host;
  host.failure = Error{ErrorCode::upstream, "cannot make a quote: the host refused"};
  QuoteService service(std::make_unique<GatedSource>(host));
  auto first = ask(service, 1);
  host.asked.acquire();
  auto second = ask(service, 1);
  host.may_go.release();
  CHECK(first.get().error().code == ErrorCode::upstream);
  CHECK(second.get().error().message == "cannot make a quote: the host refused");
}

TEST_CASE("a service that stops finishes the quote it makes and answers the rest") {
  Host host;
  auto service = std::make_unique<QuoteService>(std::make_unique<GatedSource>(host));
  auto running = ask(*service, 1);
  host.asked.acquire();
  auto waiting = ask(*service, 2);
  auto stopping = std::async(std::launch::async, [&] { service.reset(); });
  host.may_go.release(2);
  stopping.get();
  CHECK(running.get().has_value());
  const auto rest = waiting.get();
  CHECK((rest.has_value() || rest.error().code == ErrorCode::unavailable));
}
