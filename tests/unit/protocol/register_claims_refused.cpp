#include <doctest/doctest.h>

#include <functional>

#include "libdd/core/json.hpp"
#include "tests/unit/protocol/samples.hpp"

using namespace dd;
using namespace dd::protocol;

namespace {

using Change = std::function<void(Json&)>;

Change without(const char* name) {
  return [name](Json& claims) { claims.erase(name); };
}

Change with(const char* pointer, Json value) {
  return [pointer, value](Json& claims) { claims[Json::json_pointer(pointer)] = value; };
}

Json many_ports(int count) {
  auto list = Json::array();
  for (int i = 0; i < count; ++i) list.push_back({{"hostname_label", "l" + std::to_string(i)}, {"port", 80}});
  return list;
}

struct Refusal {
  std::string name;
  Change change;
  const char* path;
  ErrorCode code = ErrorCode::malformed;
};

constexpr auto kBadValue = ErrorCode::invalid_argument;

const std::vector<Refusal>& refusals() {
  static const std::vector<Refusal> rows = {
      {"not an object", [](Json& claims) { claims = Json::array(); }, "$.registration"},
      {"no audience", without("aud"), "$.registration.aud"},
      {"list of audiences", with("/aud", {"https://app.dd.example"}), "$.registration.aud"},
      {"no time", without("iat"), "$.registration.iat"},
      {"time before 1970", with("/iat", -1), "$.registration.iat", kBadValue},
      {"time with a fraction", with("/iat", 1.5), "$.registration.iat"},
      {"time beyond 2^53", with("/iat", (std::int64_t{1} << 53) + 1), "$.registration.iat", kBadValue},
      {"time as text", with("/iat", "1777000000"), "$.registration.iat"},
      {"no VM name", without("vm_name"), "$.registration.vm_name"},
      {"dot in the VM name", with("/vm_name", "a.b"), "$.registration.vm_name", kBadValue},
      {"VM name of 64", with("/vm_name", std::string(64, 'a')), "$.registration.vm_name", kBadValue},
      {"environment of 18", with("/env_label", std::string(18, 'e')), "$.registration.env_label", kBadValue},
      {"environment with upper case", with("/env_label", "Prod"), "$.registration.env_label", kBadValue},
      {"no owner", without("owner"), "$.registration.owner"},
      {"owner with two slashes", with("/owner", "a/b/c"), "$.registration.owner", kBadValue},
      {"owner without repository", with("/owner", "a/"), "$.registration.owner", kBadValue},
      {"owner with a blank", with("/owner", "octo cat"), "$.registration.owner", kBadValue},
      {"no nonce", without("nonce"), "$.registration.nonce"},
      {"nonce of 31 bytes", with("/nonce", std::string(42, 'A')), "$.registration.nonce", kBadValue},
      {"nonce with padding", with("/nonce", std::string(43, 'A') + "="), "$.registration.nonce"},
      {"nonce with spare bits", with("/nonce", std::string(42, 'A') + "B"), "$.registration.nonce"},
      {"nonce in hex", with("/nonce", std::string(64, '0')), "$.registration.nonce", kBadValue},
      {"key as text", with("/signing_key", "AAAA"), "$.registration.signing_key"},
      {"signing key of the other curve", with("/signing_key/crv", "X25519"), "$.registration.signing_key"},
      {"sealing key of the other curve", with("/sealing_key/crv", "Ed25519"), "$.registration.sealing_key"},
      {"short key", with("/sealing_key/x", "AAAA"), "$.registration.sealing_key", kBadValue},
      {"private key", with("/signing_key/d", std::string(43, 'A')), "$.registration.signing_key"},
      {"short boot id", with("/boot_id", "00ff"), "$.registration.boot_id", kBadValue},
      {"upper case boot id", with("/boot_id", std::string(32, 'A')), "$.registration.boot_id", kBadValue},
      {"no ingress list", without("extra_ingress"), "$.registration.extra_ingress"},
      {"object as ingress list", with("/extra_ingress", {{"hostname_label", "a"}, {"port", 1}}),
       "$.registration.extra_ingress"},
      {"65 ingress rules", with("/extra_ingress", many_ports(65)), "$.registration.extra_ingress", kBadValue},
      {"ingress port as text", with("/extra_ingress/1/port", "80"), "$.registration.extra_ingress[1].port"},
      {"ingress port 0", with("/extra_ingress/0/port", 0), "$.registration.extra_ingress[0].port", kBadValue},
      {"one ingress label twice", with("/extra_ingress/1/hostname_label", "web"),
       "$.registration.extra_ingress[1].hostname_label", kBadValue},
      {"no agent port", without("agent_port"), "$.registration.agent_port"},
      {"agent port 70000", with("/agent_port", 70000), "$.registration.agent_port", kBadValue},
      {"no event log", without("event_log"), "$.registration.event_log"},
      {"text as event", with("/event_log/1", "{}"), "$.registration.event_log[1]"},
      {"fraction in an event", with("/event_log/2/n", 0.5), "$.registration.event_log[2]", kBadValue},
      {"number beyond 2^53 in an event", with("/event_log/0/n", std::int64_t{1} << 60), "$.registration.event_log[0]",
       kBadValue},
      {"event of 64 KiB", with("/event_log/1/n", std::string(64 * 1024, 'x')), "$.registration.event_log[1]",
       ErrorCode::too_large},
      {"4097 events", with("/event_log", Json(4097, Json::object())), "$.registration.event_log", kBadValue},
      {"no count of quoted events", without("quoted_events"), "$.registration.quoted_events"},
      {"two events not quoted", with("/quoted_events", 1), "$.registration.quoted_events", kBadValue},
      {"more quoted than there are", with("/quoted_events", 4), "$.registration.quoted_events", kBadValue},
      {"no token", without("ita_token"), "$.registration.ita_token"},
      {"empty token", with("/ita_token", ""), "$.registration.ita_token", kBadValue},
      {"token over 64 KiB", with("/ita_token", std::string(64 * 1024 + 1, 'x')), "$.registration.ita_token", kBadValue},
  };
  return rows;
}

}  // namespace

TEST_CASE("malformed register claims are refused with the path of the claim at fault") {
  REQUIRE(refusals().size() >= 25);
  for (const auto& c : refusals()) {
    CAPTURE(c.name);
    auto value = to_json_value(samples::register_claims());
    c.change(value);
    const auto claims = register_claims_from(value, "$.registration");
    REQUIRE_FALSE(claims.has_value());
    CHECK(claims.error().path == c.path);
    CHECK(to_string(claims.error().code) == to_string(c.code));
    CHECK(claims.error().message.starts_with("cannot "));
  }
}

TEST_CASE("a refusal names the first claim at fault in the order of the documentation") {
  auto value = to_json_value(samples::register_claims());
  value["ita_token"] = 1;
  value["vm_name"] = 1;
  const auto claims = register_claims_from(value, "$.registration");
  REQUIRE_FALSE(claims.has_value());
  CHECK(claims.error().path == "$.registration.vm_name");
}

TEST_CASE("no refusal repeats the token") {
  auto value = to_json_value(samples::register_claims());
  value["ita_token"] = std::string(64 * 1024 + 1, 'S');
  const auto claims = register_claims_from(value, "$");
  REQUIRE_FALSE(claims.has_value());
  CHECK(claims.error().message.find("SSS") == std::string::npos);
}
