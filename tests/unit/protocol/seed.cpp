#include "libdd/protocol/seed.hpp"

#include <utility>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/protocol/seed_agent.hpp"

using namespace dd;
using namespace dd::protocol;

TEST_CASE("an agent of the earlier system may leave its extra ingress out, and send more than we read") {
  const Json sent = {
      {"vm_name", "vm-1"}, {"env_label", "prod"}, {"owner", "octo"}, {"ita_token", "a.b.c"}, {"later", 1}};
  const SeedRegister expected{"vm-1", "prod", "octo", "a.b.c", {}};
  CHECK(seed_register_from(sent).value() == expected);
}

TEST_CASE("what it must say is asked for by name") {
  const Json good = {{"vm_name", "vm-1"},
                     {"env_label", "prod"},
                     {"owner", "octo"},
                     {"ita_token", "a.b.c"},
                     {"extra_ingress", Json::array({{{"hostname_label", "web"}, {"port", 80}}})}};
  CHECK(seed_register_from(good).has_value());
  const std::pair<const char*, Json> bad[] = {{"/vm_name", nullptr},
                                              {"/vm_name", "no/name"},
                                              {"/env_label", 7},
                                              {"/owner", ""},
                                              {"/ita_token", ""},
                                              {"/extra_ingress/0/port", 0},
                                              {"/extra_ingress/0/hostname_label", "*"}};
  for (const auto& [pointer, value] : bad) {
    CAPTURE(pointer);
    auto sent = good;
    sent[Json::json_pointer(pointer)] = value;
    CHECK_FALSE(seed_register_from(sent).has_value());
  }
}

TEST_CASE("errors have its five codes, its status and its words") {
  const struct {
    ErrorCode code;
    int status;
    const char* spelled;
    const char* message;
  } cases[] = {
      {ErrorCode::malformed, 400, "BAD_REQUEST", "bad request: why"},
      {ErrorCode::conflict, 400, "BAD_REQUEST", "bad request: why"},
      {ErrorCode::unauthenticated, 401, "UNAUTHORIZED", "unauthorized"},
      {ErrorCode::permission_denied, 401, "UNAUTHORIZED", "unauthorized"},
      {ErrorCode::not_found, 404, "NOT_FOUND", "not found"},
      {ErrorCode::unavailable, 502, "UPSTREAM", "upstream: why"},
      {ErrorCode::upstream, 502, "UPSTREAM", "upstream: why"},
      {ErrorCode::internal, 500, "INTERNAL", "internal: why"},
  };
  for (const auto& c : cases) {
    const auto spelled = seed_error({c.code, "why", {}, {}});
    const Json expected = {{"code", c.spelled}, {"message", c.message}};
    CHECK(spelled.status == c.status);
    CHECK(parse_json(spelled.body).value() == expected);
  }
}

TEST_CASE("what an agent says to a control plane of the earlier system is read back as it was written") {
  const SeedRegister request{"vm-1", "prod", "octo", "a.b.c", {{"web", 80, ServiceProtocol::http}}};
  CHECK(seed_register_from(to_json_value(request)).value() == request);
  const SeedIngress ingress{"agent-1", {{"web", 80, ServiceProtocol::http}}};
  CHECK(seed_ingress_from(to_json_value(ingress)).value() == ingress);
  const SeedRegisterAnswer answer{"run token", "a.dd.example", "agent-1", "c2VjcmV0", "app.dd.example"};
  CHECK(seed_register_answer_from(to_json_value(answer)).value() == answer);
}

TEST_CASE("of the earlier system's list of agents the ids count, whatever else it says of them") {
  const auto ids = seed_agent_ids_from(parse_json(R"([{"agent_id":"control-plane","status":"healthy"},
                                                       {"agent_id":"dd-prod-agent-1","new":[]}])")
                                           .value());
  CHECK(ids.value() == std::vector<std::string>{"control-plane", "dd-prod-agent-1"});
  CHECK(seed_agent_ids_from(Json::array()).value().empty());
  for (const auto* text : {"{}", "[1]", R"([{"agent_id":1}])", R"([{"vm_name":"vm-1"}])"}) {
    CAPTURE(text);
    const auto refused = seed_agent_ids_from(parse_json(text).value());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().path.starts_with("$"));
  }
}

TEST_CASE("an agent's load is an integer to the earlier system") {
  SeedAgentHealth health;
  for (const auto& [load, said] : {std::pair{12.49, 12}, {12.5, 13}, {0.0, 0}, {100.0, 100}}) {
    health.metrics.cpu_percent = load;
    const auto value = to_json_value(health).at("cpu_percent");
    CHECK(value.is_number_integer());
    CHECK(value == said);
  }
}
