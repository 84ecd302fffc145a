#include "libdd/agent/cp_calls.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "libdd/crypto/digest.hpp"
#include "tests/support/check_error.hpp"
#include "tests/unit/agent/room.hpp"

using namespace dd;
using namespace dd::agent;
using namespace dd::test;

namespace {

const std::vector<Expose> kWeb = {{"web", 8000, ServiceProtocol::http}};

}  // namespace

TEST_CASE("numbers come in blocks of 64, each once and in order") {
  Room f;
  for (std::int64_t i = 0; i < 130; ++i) CHECK(f.run(f.numbers.next()).value() == 1000 + i);
  CHECK(f.capability.blocks == 3);
}

TEST_CASE("callers at one time share a block and get a number each") {
  Room f;
  std::vector<std::shared_ptr<test::Started<Result<std::int64_t>>>> started;
  for (int i = 0; i < 70; ++i) started.push_back(test::start(f.io, f.numbers.next()));
  test::settle(f.io);
  std::vector<std::int64_t> numbers;
  for (const auto& one : started) numbers.push_back(one->result.value().value());
  CHECK(std::ranges::is_sorted(numbers));
  CHECK(std::ranges::adjacent_find(numbers) == numbers.end());
  CHECK(f.capability.blocks == 2);
}

TEST_CASE("without a number nothing is sent, and the next call asks again") {
  Room f;
  f.join();
  f.cp_publishes();
  f.capability.broken = Error{ErrorCode::unavailable, "cannot reach the runtime", {}, {}};
  check_error(f.run(f.calls.replace_ingress(kWeb)), ErrorCode::unavailable);
  CHECK(f.transport->requests.empty());
  f.capability.broken.reset();
  CHECK(f.run(f.calls.replace_ingress(kWeb)).has_value());
}

TEST_CASE("a call carries a statement over its method, path and very body") {
  Room f;
  f.join();
  f.cp_publishes();
  const auto hosts = f.run(f.calls.replace_ingress(kWeb)).value().extra_hostnames;
  CHECK(hosts == std::vector<std::string>{"web." + kHostname});
  const auto& request = f.transport->requests.at(0);
  CHECK(request.url == kOrigin + "/ingress/replace");
  const auto statement =
      crypto::parse_statement(*request.headers.find(protocol::kCallHeader), crypto::kCallTyp).value();
  const crypto::StatementRule rule{crypto::kCallTyp, kOrigin, crypto::Expiry::absent, f.clock.unix_seconds()};
  CHECK(crypto::verify_statement(statement, f.state.keys.signing, rule).has_value());
  const auto claims = protocol::call_claims_from(*statement.claims).value();
  CHECK(claims.issuer == kAgentId);
  CHECK(claims.method == "POST");
  CHECK(claims.path == "/ingress/replace");
  CHECK(claims.body_sha256 == crypto::sha256(as_bytes(request.body)));
  CHECK(claims.seq == 1000);
}

TEST_CASE("an agent that is not registered calls nobody") {
  Room f;
  check_error(f.run(f.calls.replace_ingress(kWeb)), ErrorCode::unavailable);
  CHECK(f.transport->requests.empty());
}

TEST_CASE("what the control plane says is kept apart from what it does not say") {
  const struct {
    std::string name;
    Result<HttpResponse> answer;
    ErrorCode code;
    const char* reason;
  } cases[] = {
      {"forgotten", test::http_answer(404, R"({"code":"not_found","message":"no agent","reason":"agent_unknown"})"),
       ErrorCode::not_found, "agent_unknown"},
      {"no connector yet", test::http_answer(530, "error code: 1033"), ErrorCode::upstream, ""},
      {"another page under 200", test::http_answer(200, "<html>"), ErrorCode::malformed, ""},
      {"an answer without names", test::http_answer(200, R"({"agent_id":"dd-test-agent-1"})"), ErrorCode::malformed,
       ""},
      {"no answer", fail(ErrorCode::deadline_exceeded, "cannot finish request"), ErrorCode::deadline_exceeded, ""},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    Room f;
    f.join();
    f.cp("POST /ingress/replace", [&c](const HttpRequest&) { return c.answer; });
    check_error(f.run(f.calls.replace_ingress(kWeb)), c.code, c.reason);
  }
}
