#include "libdd/ita/minter.hpp"

#include <deque>
#include <memory>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/run_task.hpp"
#include "tests/support/scripted_transport.hpp"

using namespace dd;
using std::chrono::milliseconds;
using test::http_answer;

namespace {

const Bytes kQuote = to_bytes("a quote");
const Bytes kData = to_bytes("bound data");

/// A minter before a service that gives the listed answers, then tokens.
struct Fixture {
  net::asio::io_context io;
  std::deque<Result<HttpResponse>> answers;
  std::shared_ptr<test::ScriptedTransport> transport =
      std::make_shared<test::ScriptedTransport>([this](const HttpRequest&) { return next(); });
  ita::MinterOptions options;

  Fixture() {
    options.base_url = "https://ita.test/";
    options.api_key = Secret("key");
    options.first_wait = options.longest_wait = options.rate_limit_wait = milliseconds(1);
  }

  Result<HttpResponse> next() {
    if (answers.empty()) return http_answer(200, R"({"token":"a.b.c"})");
    auto answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }
  Result<std::string> mint() {
    ita::Minter minter(transport, options);
    return test::run(io, minter.mint(kQuote, kData));
  }
  [[nodiscard]] std::size_t calls() const { return transport->requests.size(); }
};

}  // namespace

TEST_CASE("a quote is sent as Intel Trust Authority wants it") {
  Fixture f;
  const auto token = f.mint();
  REQUIRE(token.has_value());
  CHECK(*token == "a.b.c");
  REQUIRE(f.calls() == 1);
  const auto& request = f.transport->requests[0];
  CHECK(request.method == "POST");
  CHECK(request.url == "https://ita.test/appraisal/v1/attest");
  CHECK(*request.headers.find("x-api-key") == "key");
  CHECK(*request.headers.find("Content-Type") == "application/json");
  CHECK(*request.headers.find("Accept") == "application/json");
  CHECK(nlohmann::json::parse(request.body) ==
        nlohmann::json{{"quote", to_base64(kQuote)}, {"runtime_data", to_base64(kData)}});
  CHECK(request.max_redirects == 0);
  CHECK(request.deadline <= f.options.deadline);
}

TEST_CASE("what passes is tried again until it has passed") {
  Fixture f;
  f.answers = {http_answer(500, ""), http_answer(503, ""), http_answer(504, ""),
               http_answer(429, "", {{"Retry-After", "0"}}),
               fail(ErrorCode::unavailable, "cannot reach ita.test: connection reset")};
  CHECK(f.mint().has_value());
  CHECK(f.calls() == 6);
}

TEST_CASE("what cannot pass is not tried again") {
  for (const int status : {400, 401, 403, 413, 502, 302}) {
    CAPTURE(status);
    Fixture f;
    f.answers = {http_answer(status, "")};
    CHECK_FALSE(f.mint().has_value());
    CHECK(f.calls() == 1);
  }
}

TEST_CASE("it gives up when the next try would come after the deadline") {
  const struct {
    const char* name;
    HttpResponse answer;
  } cases[] = {
      {"asked to wait longer", http_answer(429, R"({"message":"Too many requests"})", {{"Retry-After", "60"}})},
      {"own pause is longer", http_answer(503, "")},
      {"pause of a rate limit is longer", http_answer(429, "")},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    Fixture f;
    f.options.deadline = milliseconds(5'000);
    f.options.first_wait = f.options.longest_wait = f.options.rate_limit_wait = milliseconds(60'000);
    f.answers = {c.answer};
    const auto token = f.mint();
    REQUIRE_FALSE(token.has_value());
    CHECK(token.error().code == ErrorCode::unavailable);
    CHECK(f.calls() == 1);
  }
}

TEST_CASE("without an API key nothing is sent") {
  Fixture f;
  f.options.api_key = Secret();
  const auto token = f.mint();
  REQUIRE_FALSE(token.has_value());
  CHECK(token.error().code == ErrorCode::unauthenticated);
  CHECK(f.calls() == 0);
}

TEST_CASE("evidence over the service's limit is not sent") {
  Fixture f;
  ita::Minter minter(f.transport, f.options);
  const auto token = test::run(f.io, minter.mint(Bytes(400'000), kData));
  REQUIRE_FALSE(token.has_value());
  CHECK(token.error().code == ErrorCode::invalid_argument);
  CHECK(f.calls() == 0);
}
