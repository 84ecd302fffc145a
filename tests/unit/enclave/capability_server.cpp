#include "libdd/enclave/capability_server.hpp"

#include <set>

#include <doctest/doctest.h>
#include <boost/asio/thread_pool.hpp>
#include <nlohmann/json.hpp>

#include "dd/report_data.hpp"
#include "libdd/crypto/hpke.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/enclave/power_off.hpp"
#include "tests/support/run_task.hpp"
#include "tests/unit/enclave/fake_quotes.hpp"

using namespace dd;
using namespace dd::enclave;
using Role = BootWorkload::Role;

namespace {

struct CapabilityServerFixture {
  net::asio::io_context io;
  net::asio::thread_pool pool{1};
  VmKeys keys{system_random()};
  MeasuredLog log{io.get_executor(), pool, test::make_fake_quotes(std::make_shared<test::FakeTdx>())};
  Result<void> off = fail(ErrorCode::unsupported, "cannot power off: a test");
  int powered_off = 0;
  CapabilityServer server{keys, log, "uid", [this] {
                            ++powered_off;
                            return off;
                          }};

  Json call(Role role, const Json& request) {
    return parse_json(test::run(io, server.answer(role, request.dump()))).value();
  }
  Json ask(const Json& request) {
    auto answer = call(Role::agent, request);
    REQUIRE_MESSAGE(answer.at("ok") == true, answer.dump());
    return answer;
  }
};

Json sign_request(std::string_view typ) {
  return {{"method", "sign"}, {"typ", typ}, {"claims", {{"aud", "x"}, {"iat", 1}}}};
}

}  // namespace

TEST_CASE("keys are the VM's, with what is known of it") {
  CapabilityServerFixture f;
  const auto answer = f.ask({{"method", "keys"}});
  CHECK(crypto::OkpPublicKey::from_jwk(answer.at("signing_key"), crypto::Curve::ed25519).value() ==
        f.keys.signing().public_key());
  CHECK(crypto::OkpPublicKey::from_jwk(answer.at("sealing_key"), crypto::Curve::x25519).value() ==
        f.keys.sealing().public_key());
  CHECK(answer.at("boot_id") == f.keys.boot_id());
  CHECK(answer.at("attestation_type") == "tdx");
  CHECK(answer.at("boundary") == "uid");
}

TEST_CASE("each role signs its own statements and no others") {
  const std::string_view all[] = {crypto::kRegisterTyp,
                                  crypto::kRegisterHeadTyp,
                                  crypto::kCallTyp,
                                  crypto::kProofTyp,
                                  crypto::kPollTyp,
                                  crypto::kJoinTyp,
                                  crypto::kSessionTyp,
                                  crypto::kHandoffTyp,
                                  crypto::kCookieTyp,
                                  crypto::kHolderTyp,
                                  "JWT",
                                  ""};
  const std::set<std::string_view> agents = {crypto::kRegisterTyp, crypto::kRegisterHeadTyp, crypto::kCallTyp,
                                             crypto::kProofTyp, crypto::kCookieTyp};
  const std::set<std::string_view> cps = {crypto::kPollTyp, crypto::kJoinTyp, crypto::kSessionTyp, crypto::kHandoffTyp,
                                          crypto::kHolderTyp};
  CapabilityServerFixture f;
  for (const auto typ : all) {
    CAPTURE(typ);
    CHECK(f.call(Role::agent, sign_request(typ)).at("ok") == agents.contains(typ));
    CHECK(f.call(Role::cp, sign_request(typ)).at("ok") == cps.contains(typ));
    CHECK(f.call(Role::none, sign_request(typ)).at("ok") == false);
    CHECK(f.call(Role::connector, sign_request(typ)).at("ok") == false);
  }
}

TEST_CASE("a signature is the VM's") {
  CapabilityServerFixture f;
  const auto jws = f.ask(sign_request(crypto::kCallTyp)).at("jws").get<std::string>();
  const auto statement = crypto::parse_statement(jws, crypto::kCallTyp).value();
  CHECK(crypto::verify_statement(statement, f.keys.signing().public_key(),
                                 {.typ = crypto::kCallTyp, .audience = "x", .now = 1})
            .has_value());
}

TEST_CASE("what was sealed to the VM is opened for the same purpose only") {
  CapabilityServerFixture f;
  const auto sealed = crypto::hpke_seal(f.keys.sealing().public_key(), as_bytes("dd/register/v1"), as_bytes("agent-1"),
                                        as_bytes("token"), system_random());
  Json request = {
      {"method", "open"}, {"info", "dd/register/v1"}, {"aad", "agent-1"}, {"sealed", to_base64url(sealed.value())}};
  CHECK(f.ask(request).at("plaintext_b64u") == to_base64url(as_bytes("token")));
  request["aad"] = "agent-2";
  CHECK(f.call(Role::agent, request).at("code") == "unauthenticated");
}

TEST_CASE("call numbers are handed out once, whoever asks") {
  CapabilityServerFixture f;
  CHECK(f.ask({{"method", "seq"}, {"count", 16}}).at("first") == 1);
  CHECK(f.ask({{"method", "seq"}, {"count", 1}}).at("first") == 17);
  CHECK(f.call(Role::cp, {{"method", "seq"}, {"count", 1024}}).at("first") == 18);
  CHECK(f.ask({{"method", "seq"}, {"count", 1}}).at("first") == 1042);
  for (const int count : {0, -1, 1025})
    CHECK(f.call(Role::agent, {{"method", "seq"}, {"count", count}}).at("ok") == false);
}

TEST_CASE("a quote is bound to the runtime's keys and log, not to the caller's word") {
  CapabilityServerFixture f;
  REQUIRE(test::run(f.io, f.log.record({{"type", "boot"}})).has_value());
  const Bytes nonce(16, std::byte{3});
  const auto answer =
      f.ask({{"method", "quote"}, {"tag", kAttestTag}, {"fields", {to_base64url(crypto::sha256(nonce))}}});
  const AttestBinding binding{nonce, f.keys.signing().public_key().spki(), f.keys.sealing().public_key().spki(),
                              f.log.events().head()};
  CHECK(answer.at("runtime_data_b64u") == to_base64url(bound_data(binding)));
  CHECK(answer.at("quoted_events") == 1);
  CHECK(answer.at("log_head") == to_hex(f.log.events().head()));
  const auto quote = Quote::parse(from_base64(answer.at("quote_b64").get<std::string>()).value()).value();
  CHECK(quote.report().report_data == report_data_of(bound_data(binding)));
}

TEST_CASE("the log is read in pages") {
  CapabilityServerFixture f;
  for (int i = 0; i < 300; ++i) REQUIRE(test::run(f.io, f.log.record({{"type", "deploy"}, {"number", i}})).has_value());
  const auto first = f.ask({{"method", "log"}, {"from", 0}});
  CHECK(first.at("events").size() == 256);
  CHECK(first.at("total") == 300);
  CHECK(first.at("head") == to_hex(f.log.events().head()));
  const auto second = f.ask({{"method", "log"}, {"from", 256}});
  CHECK(second.at("events").size() == 44);
  CHECK(second.at("events")[0].at("index") == 256);
  CHECK(f.ask({{"method", "log"}, {"from", 300}}).at("events").empty());
  CHECK(f.call(Role::agent, {{"method", "log"}, {"from", 301}}).at("ok") == false);
}

TEST_CASE("requests that are not understood are refused with the field") {
  CapabilityServerFixture f;
  const std::string field = to_base64url(Digest256{});
  const struct {
    const char* name;
    Json request;
    const char* path;
  } cases[] = {
      {"no method", Json::object(), "$.method"},
      {"unknown method", {{"method", "key"}}, "$.method"},
      {"claims are no object", {{"method", "sign"}, {"typ", "x"}, {"claims", "y"}}, "$.claims"},
      {"sealed is no base64url", {{"method", "open"}, {"info", "x"}, {"aad", ""}, {"sealed", "+"}}, "$.sealed"},
      {"count is missing", {{"method", "seq"}}, "$.count"},
      {"unknown tag", {{"method", "quote"}, {"tag", "x"}, {"fields", {field}}}, "$.tag"},
      {"short field", {{"method", "quote"}, {"tag", kAttestTag}, {"fields", {"AAAA"}}}, "$.fields[0]"},
      {"too many fields", {{"method", "quote"}, {"tag", kAttestTag}, {"fields", {field, field}}}, "$.fields"},
      {"raw report data", {{"method", "quote"}, {"tag", kAttestTag}, {"report_data_b64", "AAAA"}}, "$.fields"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto answer = f.call(Role::agent, c.request);
    CHECK(answer.at("ok") == false);
    CHECK(answer.value("path", "") == c.path);
  }
}

TEST_CASE("only a control plane ends the VM") {
  CapabilityServerFixture f;
  const Json request = {{"method", "power_off"}};
  CHECK(f.call(Role::agent, request).at("code") == "permission_denied");
  CHECK(f.call(Role::none, request).at("code") == "permission_denied");
  CHECK(f.powered_off == 0);
  CHECK(f.call(Role::cp, request).at("code") == "unsupported");
  f.off = {};
  CHECK(f.call(Role::cp, request).at("ok") == true);
  CHECK(f.powered_off == 2);
}

TEST_CASE("a runtime that is not PID 1 switches nothing off") {
  const auto off = power_off();
  REQUIRE_FALSE(off.has_value());
  CHECK(off.error().code == ErrorCode::unsupported);
}
