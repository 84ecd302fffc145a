#include "libdd/local/attestation_service.hpp"

#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "libdd/crypto/digest.hpp"
#include "libdd/ita/minter.hpp"
#include "libdd/ita/verifier.hpp"
#include "libdd/net/http_client.hpp"
#include "tests/support/run_task.hpp"
#include "tests/unit/local/simulated_evidence.hpp"

using namespace dd;
using namespace dd::local;
using nlohmann::json;

namespace {

const Bytes kServiceData = to_bytes("bound data");

AttestationServiceOptions service_options(const Clock& clock) {
  AttestationServiceOptions options;
  options.api_key = Secret("key");
  options.roots_pem = {simulator_root().certificate_pem};
  options.key = test_key();
  options.clock = &clock;
  return options;
}

/// The service on a free port, and libdd's own clients before it.
struct AttestationServiceFixture {
  net::asio::io_context io;
  ManualClock clock{Clock::TimePoint(std::chrono::seconds(system_clock().unix_seconds()))};
  AttestationService service;
  std::shared_ptr<HttpTransport> transport = net::make_http_transport({});
  std::unique_ptr<ita::Verifier> verifier;

  AttestationServiceFixture() : AttestationServiceFixture(std::nullopt) {}
  explicit AttestationServiceFixture(std::optional<AttestationServiceOptions> options)
      : service(io.get_executor(), options ? *std::move(options) : service_options(clock)) {
    REQUIRE(service.start().has_value());
    ita::VerifierOptions verifier_options;
    verifier_options.issuer = service.url();
    verifier_options.jwks_url = service.jwks_url();
    verifier_options.attester_type = "TDX-SIMULATED";
    verifier_options.simulated = true;
    verifier = std::make_unique<ita::Verifier>(io.get_executor(), transport, clock, verifier_options);
  }
  AttestationServiceFixture(const AttestationServiceFixture&) = delete;
  AttestationServiceFixture& operator=(const AttestationServiceFixture&) = delete;
  ~AttestationServiceFixture() { test::run(io, stopped(service)); }
  static net::Task<bool> stopped(AttestationService& service) {
    co_await service.stop();
    co_return true;
  }

  Result<std::string> mint(const char* api_key = "key") {
    ita::MinterOptions options;
    options.base_url = service.url();
    options.api_key = Secret(api_key);
    options.first_wait = options.longest_wait = options.rate_limit_wait = std::chrono::milliseconds(1);
    const auto quote = simulated_quote(crypto::sha512(kServiceData));
    ita::Minter minter(transport, std::move(options));
    return test::run(io, minter.mint(Bytes(quote.raw().begin(), quote.raw().end()), kServiceData));
  }
  Result<TdxClaims> verify(std::string token) { return test::run(io, verifier->verify(std::move(token))); }
  HttpResponse post(const std::string& path, std::string body, const char* api_key) {
    HttpRequest request;
    request.method = "POST";
    request.url = service.url() + path;
    request.headers.set("x-api-key", api_key);
    request.body = std::move(body);
    return test::run(io, net::send(*transport, std::move(request))).value();
  }
};

json evidence() {
  const auto quote = simulated_quote(crypto::sha512(kServiceData));
  return {{"quote", to_base64(quote.raw())}, {"runtime_data", to_base64(kServiceData)}};
}

}  // namespace

TEST_CASE("a token minted at the service is verified by its key set") {
  AttestationServiceFixture f;
  const auto token = f.mint();
  REQUIRE(token.has_value());
  const auto claims = f.verify(*token);
  REQUIRE(claims.has_value());
  CHECK(claims->issuer == f.service.url());
  CHECK(claims->report.report_data == crypto::sha512(kServiceData));
  CHECK(claims->expires_at - claims->issued_at == 300);
}

TEST_CASE("both forms of version 2 are taken, and both algorithms") {
  AttestationServiceFixture f;
  for (const auto* algorithm : {"PS384", "RS256"})
    for (const auto& body : {json{{"tdx", evidence()}, {"token_signing_alg", algorithm}}, [&] {
                               auto flat = evidence();
                               flat["token_signing_alg"] = algorithm;
                               return flat;
                             }()}) {
      const auto answer = f.post("/appraisal/v2/attest", body.dump(), "key");
      REQUIRE(answer.status == 200);
      CHECK(f.verify(json::parse(answer.body).at("token").get<std::string>()).has_value());
    }
}

TEST_CASE("a wrong API key and bad evidence are answered in ITA's two forms") {
  AttestationServiceFixture f;
  const auto refused = f.post("/appraisal/v1/attest", evidence().dump(), "another key");
  CHECK(refused.status == 401);
  CHECK(json::parse(refused.body).at("message").is_string());
  auto other = evidence();
  other["runtime_data"] = to_base64(to_bytes("other data"));
  const auto bad = f.post("/appraisal/v1/attest", other.dump(), "key");
  CHECK(bad.status == 400);
  CHECK(json::parse(bad.body).at("error").is_string());

  const auto by_key = f.mint("another key");
  REQUIRE_FALSE(by_key.has_value());
  CHECK(by_key.error().code == ErrorCode::unauthenticated);
}

TEST_CASE("a service without an API key lets nobody in") {
  AttestationServiceFixture f([] {
    static const ManualClock clock{system_clock().now()};
    auto options = service_options(clock);
    options.api_key = Secret();
    return options;
  }());
  CHECK(f.post("/appraisal/v1/attest", evidence().dump(), "").status == 401);
}

TEST_CASE("each key is published twice under one kid of 96 hex digits") {
  AttestationServiceFixture f;
  HttpRequest request;
  request.url = f.service.jwks_url();
  const auto answer = test::run(f.io, net::send(*f.transport, std::move(request)));
  REQUIRE(answer.has_value());
  const auto keys = json::parse(answer->body).at("keys");
  REQUIRE(keys.size() == 2);
  CHECK(keys[0].at("kid") == keys[1].at("kid"));
  CHECK(keys[0].at("kid").get<std::string>().size() == 96);
  CHECK(keys[0].at("alg") == "PS384");
  CHECK(keys[1].at("alg") == "RS256");
  CHECK_FALSE(keys[0].contains("d"));
}

TEST_CASE("lifetime and TCB status are as told") {
  AttestationServiceFixture f;
  f.service.set_token_lifetime(std::chrono::seconds(2));
  f.service.set_tcb_status("OutOfDate");
  const auto token = f.mint();
  REQUIRE(token.has_value());
  const auto claims = f.verify(*token);
  REQUIRE(claims.has_value());
  CHECK(claims->tcb_status == "OutOfDate");
  CHECK(claims->expires_at - claims->issued_at == 2);
  f.clock.advance(std::chrono::seconds(63));
  const auto expired = f.verify(*token);
  REQUIRE_FALSE(expired.has_value());
  CHECK(expired.error().reason == "token_expired");
}

TEST_CASE("a rotated key is found, and the old one is good only while it is published") {
  AttestationServiceFixture f;
  const auto first = f.mint();
  const auto second = f.mint();
  REQUIRE(first.has_value());
  REQUIRE(second.has_value());
  REQUIRE(f.verify(*first).has_value());
  static const auto next = crypto::RsaPrivateKey::generate(2048);
  f.service.rotate_key(next, OldKeys::withdraw);
  f.clock.advance(std::chrono::seconds(61));
  const auto rotated = f.mint();
  REQUIRE(rotated.has_value());
  CHECK(f.verify(*rotated).has_value());
  const auto withdrawn = f.verify(*second);
  REQUIRE_FALSE(withdrawn.has_value());
  CHECK(withdrawn.error().reason == "token_invalid");
}

TEST_CASE("the minter gets over failures on order") {
  AttestationServiceFixture f;
  f.service.faults().fail_next(2, net::json_response(R"({"message":"busy"})", 503));
  CHECK(f.mint().has_value());
  CHECK(f.service.faults().requests() == 3);
}

TEST_CASE("a service that makes its own key answers when it is there") {
  static const ManualClock clock{system_clock().now()};
  auto options = service_options(clock);
  options.key.reset();
  AttestationServiceFixture f(std::move(options));
  const auto token = f.mint();
  REQUIRE(token.has_value());
  CHECK(f.verify(*token).has_value());
}
