#include "libdd/enclave/measured_log.hpp"

#include <doctest/doctest.h>
#include <boost/asio/thread_pool.hpp>
#include <nlohmann/json.hpp>

#include "dd/report_data.hpp"
#include "tests/support/run_task.hpp"
#include "tests/unit/enclave/fake_quotes.hpp"

using namespace dd;
using namespace dd::enclave;

namespace {

struct MeasuredLogFixture {
  net::asio::io_context io;
  net::asio::thread_pool pool{1};
  std::shared_ptr<test::FakeTdx> tdx = std::make_shared<test::FakeTdx>();
  MeasuredLog log{io.get_executor(), pool, test::make_fake_quotes(tdx)};

  Result<void> record(const char* type) { return test::run(io, log.record({{"type", type}})); }
  Result<BoundQuote> quote() {
    return test::run(io, log.quote([](const Digest384& head) { return Bytes(head.begin(), head.end()); }));
  }
};

}  // namespace

TEST_CASE("RTMR3 follows the log") {
  MeasuredLogFixture f;
  for (const char* type : {"boot", "workload", "deploy"}) {
    REQUIRE(f.record(type).has_value());
    CHECK(f.tdx->rtmr3 == f.log.events().head());
  }
  CHECK(f.log.events().size() == 3);
  CHECK(f.log.rtmr3_state() == "extended");
}

TEST_CASE("a quote's RTMR3 is the head that it is bound to") {
  MeasuredLogFixture f;
  REQUIRE(f.record("boot").has_value());
  const auto bound = f.quote().value();
  const auto quote = Quote::parse(bound.quote).value();
  CHECK(bound.quoted_events == 1);
  CHECK(quote.report().rtmr[3] == bound.log_head);
  CHECK(quote.report().report_data == report_data_of(bound.runtime_data));
}

TEST_CASE("events that come while quotes are made do not get between quote and head") {
  MeasuredLogFixture f;
  std::vector<std::shared_ptr<test::Started<Result<void>>>> records;
  std::vector<std::shared_ptr<test::Started<Result<BoundQuote>>>> quotes;
  for (int i = 0; i < 20; ++i) {
    records.push_back(test::start(f.io, f.log.record({{"type", "deploy"}, {"number", i}})));
    quotes.push_back(
        test::start(f.io, f.log.quote([](const Digest384& head) { return Bytes(head.begin(), head.end()); })));
  }
  f.io.run();
  for (std::size_t i = 0; i < quotes.size(); ++i) {
    REQUIRE(records[i]->result.value().has_value());
    const auto& bound = quotes[i]->result.value().value();
    CHECK(bound.quoted_events == i + 1);
    CHECK(Quote::parse(bound.quote).value().report().rtmr[3] == bound.log_head);
    CHECK(f.log.events().head_at(i + 1) == bound.log_head);
  }
}

TEST_CASE("an event that cannot be measured stops everything after it") {
  MeasuredLogFixture f;
  REQUIRE(f.record("boot").has_value());
  f.tdx->fails_to_extend = true;
  CHECK_FALSE(f.record("deploy").has_value());
  f.tdx->fails_to_extend = false;
  const auto later = f.record("deploy");
  REQUIRE_FALSE(later.has_value());
  CHECK(later.error().code == ErrorCode::unavailable);
  // One trailing event that RTMR3 does not have, which a replay allows; no second one.
  CHECK(f.log.events().size() == 2);
}

TEST_CASE("where RTMR3 cannot be extended the log goes on and says so") {
  MeasuredLogFixture f;
  f.tdx->can_extend = false;
  REQUIRE(f.record("boot").has_value());
  CHECK(f.tdx->rtmr3 == Digest384{});
  CHECK(f.log.rtmr3_state() == "unavailable");
}

TEST_CASE("without evidence there is a log and no quote") {
  net::asio::io_context io;
  net::asio::thread_pool pool{1};
  MeasuredLog log(io.get_executor(), pool, nullptr);
  CHECK(test::run(io, log.record({{"type", "boot"}})).has_value());
  CHECK(log.attestation_type() == "none");
  const auto quote = test::run(io, log.quote([](const Digest384&) { return Bytes(32); }));
  REQUIRE_FALSE(quote.has_value());
  CHECK(quote.error().code == ErrorCode::unsupported);
}

TEST_CASE("no quote is made over data that was refused") {
  MeasuredLogFixture f;
  const auto quote = test::run(f.io, f.log.quote([](const Digest384&) -> Result<Bytes> {
    return fail(ErrorCode::invalid_argument, "cannot bind");
  }));
  REQUIRE_FALSE(quote.has_value());
  CHECK(quote.error().code == ErrorCode::invalid_argument);
  CHECK(f.tdx->quotes == 0);
}
