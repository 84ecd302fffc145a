#include <doctest/doctest.h>

#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"
#include "tests/support/check_error.hpp"
#include "tests/unit/protocol/samples.hpp"

using namespace dd;
using namespace dd::protocol;
using namespace dd::test;

TEST_CASE("register claims have the members that docs/wire.md lists") {
  const auto value = to_json_value(samples::register_claims());
  for (const std::string name : {"aud", "iat", "vm_name", "env_label", "owner", "nonce", "signing_key", "sealing_key",
                                 "boot_id", "extra_ingress", "agent_port", "event_log", "quoted_events", "ita_token"}) {
    CAPTURE(name);
    CHECK(value.contains(name));
  }
  CHECK(value.size() == 14);
  CHECK(value["extra_ingress"] ==
        Json::parse(R"([{"hostname_label":"web","port":8080},{"hostname_label":"db","port":5432,"protocol":"tcp"}])"));
}

TEST_CASE("the head of a registration has the members that docs/wire.md lists, and all of them") {
  const auto value = to_json_value(samples::register_head());
  CHECK(register_head_from(value).value() == samples::register_head());
  CHECK(value.size() == 7);
  for (const auto& [name, member] : value.items()) {
    CAPTURE(name);
    auto without = value;
    without.erase(name);
    check_error_at(register_head_from(without), ErrorCode::malformed, "$." + name);
  }
}

TEST_CASE("a head announces a body of 1 to 4194304 bytes") {
  for (const std::int64_t bytes : {-1, 0, 4194305}) {
    auto head = samples::register_head();
    head.body_bytes = bytes;
    check_error_at(register_head_from(to_json_value(head)), ErrorCode::invalid_argument, "$.body_bytes");
  }
  for (const std::int64_t bytes : {1, 4194304}) {
    auto head = samples::register_head();
    head.body_bytes = bytes;
    CHECK(register_head_from(to_json_value(head)).has_value());
  }
}

TEST_CASE("events travel as objects and are held as canonical texts") {
  auto claims = samples::register_claims();
  const auto value = to_json_value(claims);
  CHECK(value["event_log"][1] == Json{{"index", 1}, {"type", "boot"}});
  const auto spaced = Json::parse(R"([{ "type" : "boot",  "index" : 0, "a":{"z":1,"b":"\u00e9"} }])");
  auto other = value;
  other["event_log"] = spaced;
  other["quoted_events"] = 1;
  CHECK(register_claims_from(other, "$").value().event_log ==
        std::vector<std::string>{"{\"a\":{\"b\":\"\xc3\xa9\",\"z\":1},\"index\":0,\"type\":\"boot\"}"});
}

TEST_CASE("the quote may cover all events or all but the last") {
  auto claims = samples::register_claims();
  claims.quoted_events = 2;
  CHECK(register_claims_from(to_json_value(claims), "$").has_value());
  claims.event_log.clear();
  claims.quoted_events = 0;
  CHECK(register_claims_from(to_json_value(claims), "$").has_value());
}

TEST_CASE("the hashed claims are all but token, log and its count") {
  const auto value = to_json_value(samples::register_claims());
  const auto before = hashed_claims(value).value();
  for (const auto& [name, member] : value.items()) {
    CAPTURE(name);
    const bool left_out = name == "ita_token" || name == "quoted_events" || name == "event_log";
    auto changed = value;
    changed[name] = "other";
    CHECK((hashed_claims(changed).value() == before) == left_out);
    changed.erase(name);
    CHECK((hashed_claims(changed).value() == before) == left_out);
  }
  auto more = value;
  more["zz"] = 1;
  CHECK(hashed_claims(more).value() != before);
}

TEST_CASE("the hash is SHA-256 of the canonical text") {
  const auto value = Json::parse(
      R"({ "b": [1, "x"], "ita_token": "t", "a": {"d": true, "c": null}, "event_log": [], "quoted_events": 0 })");
  CHECK(hashed_claims(value).value() == crypto::sha256(as_bytes(R"({"a":{"c":null,"d":true},"b":[1,"x"]})")));
}

TEST_CASE("claims that have no canonical form are not hashed") {
  for (const auto& value : {Json::array(), Json("text"), Json{{"iat", 1.5}}}) {
    const auto hash = hashed_claims(value);
    REQUIRE_FALSE(hash.has_value());
    CHECK(hash.error().message.starts_with("cannot hash claims: "));
  }
}

TEST_CASE("a malformed challenge or answer is refused with its path") {
  const auto challenge = to_json_value(ChallengeAnswer{samples::filled(1), 120});
  auto changed = challenge;
  changed["nonce"] = "AA";
  REQUIRE_FALSE(challenge_answer_from(changed).has_value());
  CHECK(challenge_answer_from(changed).error().path == "$.nonce");

  RegisterAnswer answer;
  answer.cp_key = crypto::OkpPublicKey(crypto::Curve::ed25519, samples::filled(2));
  answer.agent_id = "agent-1";
  answer.hostname = "vm-1.dd.example";
  answer.cp_hostname = "app.dd.example";
  answer.tunnel_token_sealed = Bytes(64, std::byte{1});
  const auto good = to_json_value(answer);
  REQUIRE(register_answer_from(good).has_value());
  const struct {
    std::string member;
    Json value;
  } cases[] = {
      {"agent_id", "a/b"},        {"agent_id", ""},          {"hostname", "Vm.dd.example"}, {"hostname", "a b"},
      {"cp_hostname", nullptr},   {"cp_key", "key"},         {"tunnel_token_sealed", "a="}, {"tunnel_token_sealed", 1},
      {"extra_hostnames", "web"}, {"poll_interval_secs", 0}, {"refresh_secs", "180"},       {"verdict", "fine"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.member);
    auto value = good;
    value[c.member] = c.value;
    const auto read = register_answer_from(value);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().path == "$." + std::string(c.member));
  }
}
