#include <doctest/doctest.h>

#include <functional>

#include "libdd/core/json.hpp"
#include "tests/unit/protocol/samples.hpp"

using namespace dd;
using namespace dd::protocol;

namespace {

PollClaims poll() { return {"agent-1", "https://app.dd.example", 1000, 1060, samples::filled(1), 17, {}}; }

ProofClaims proof() {
  return {"https://app.dd.example",
          "agent-1",
          1000,
          std::string(32, 'a'),
          samples::filled(1),
          samples::filled(2),
          samples::filled(3),
          samples::filled<48>(4),
          9};
}

CallClaims call() {
  return {"https://app.dd.example", "agent-1", 1000, "POST", "/ingress/replace?x=1", samples::filled(3), 9};
}

}  // namespace

TEST_CASE("statements have the claims that docs/wire.md lists") {
  const auto names = [](const Json& value) {
    std::string out;
    for (const auto& [name, member] : value.items()) out += name + " ";
    return out;
  };
  CHECK(names(to_json_value(poll())) == "aud exp iat iss log_from nonce ");
  auto with_sign_outs = poll();
  with_sign_outs.signed_out = {{"id-1", 1600}, {"id-2", 1700}};
  CHECK(names(to_json_value(with_sign_outs)) == "aud exp iat iss log_from nonce signed_out ");
  with_sign_outs.all_over_until = 1500;
  CHECK(names(to_json_value(with_sign_outs)) == "all_over_until aud exp iat iss log_from nonce signed_out ");
  CHECK(poll_claims_from(to_json_value(with_sign_outs)).value() == with_sign_outs);
  CHECK(names(to_json_value(proof())) == "aud body_sha256 boot_id iat iss log_head nonce seq token_sha256 ");
  CHECK(names(to_json_value(call())) == "aud body_sha256 iat iss method path seq ");
}

TEST_CASE("claims of a statement that are not well formed are refused with their path") {
  const auto read_poll = [](const Json& value) { return poll_claims_from(value).map([](const auto&) {}); };
  const auto read_proof = [](const Json& value) { return proof_claims_from(value).map([](const auto&) {}); };
  const auto read_call = [](const Json& value) { return call_claims_from(value).map([](const auto&) {}); };
  const struct {
    std::string name;
    Json good;
    std::function<Result<void>(const Json&)> read;
    const char* member;
    Json value;
  } cases[] = {
      {"poll for several", to_json_value(poll()), read_poll, "aud", {"agent-1"}},
      {"poll of nobody", to_json_value(poll()), read_poll, "iss", ""},
      {"poll without end", to_json_value(poll()), read_poll, "exp", nullptr},
      {"poll with a short nonce", to_json_value(poll()), read_poll, "nonce", "AAAA"},
      {"poll from before the log", to_json_value(poll()), read_poll, "log_from", -1},
      {"poll with an end of all before all time", to_json_value(poll()), read_poll, "all_over_until", -1},
      {"poll with sign-outs of no time", to_json_value(poll()), read_poll, "signed_out", {{"id-1", "soon"}}},
      {"poll with a sign-out before all time", to_json_value(poll()), read_poll, "signed_out", {{"id-1", -1}}},
      {"poll with sign-outs of nobody", to_json_value(poll()), read_poll, "signed_out", {{"", 1600}}},
      {"poll with a list of sign-outs", to_json_value(poll()), read_poll, "signed_out", Json::array({"id-1"})},
      {"proof without boot", to_json_value(proof()), read_proof, "boot_id", nullptr},
      {"proof with a hash in hex", to_json_value(proof()), read_proof, "token_sha256", std::string(64, '0')},
      {"proof with a head in base64url", to_json_value(proof()), read_proof, "log_head", std::string(64, 'A')},
      {"proof with a head of 32 bytes", to_json_value(proof()), read_proof, "log_head", std::string(64, '0')},
      {"proof with its number as text", to_json_value(proof()), read_proof, "seq", "9"},
      {"call with a method in lower case", to_json_value(call()), read_call, "method", "post"},
      {"call without a path", to_json_value(call()), read_call, "path", ""},
      {"call of a whole URL", to_json_value(call()), read_call, "path", "https://app.dd.example/"},
      {"call without a body's hash", to_json_value(call()), read_call, "body_sha256", nullptr},
      {"call with a negative number", to_json_value(call()), read_call, "seq", -1},
      {"call with a fraction as number", to_json_value(call()), read_call, "seq", 1.0},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    REQUIRE(c.read(c.good).has_value());
    auto value = c.good;
    value[c.member] = c.value;
    const auto read = c.read(value);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().path == std::string("$.") + c.member);
  }
}

TEST_CASE("statements are read back as they were written") {
  CHECK(poll_claims_from(to_json_value(poll())).value() == poll());
  CHECK(proof_claims_from(to_json_value(proof())).value() == proof());
  CHECK(call_claims_from(to_json_value(call())).value() == call());
}
