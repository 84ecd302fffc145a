#include <doctest/doctest.h>

#include "libdd/core/json.hpp"
#include "tests/unit/protocol/samples.hpp"

using namespace dd;
using namespace dd::protocol;

TEST_CASE("an anonymous health answer says four things and no more") {
  CHECK(to_json_value(PublicHealth{true, "0.1.0", "simulated"}) ==
        Json{{"ok", true}, {"service", "agent"}, {"version", "0.1.0"}, {"integrity", "simulated"}});
}

TEST_CASE("a challenged health answer has the members that docs/wire.md lists") {
  const auto value = to_json_value(samples::agent_health());
  for (const std::string name :
       {"ok", "service", "version", "integrity", "agent_id", "vm_name", "hostname", "owner", "boot_id", "ita_token",
        "binding", "log", "deployments", "extra_ingress", "uptime_secs", "metrics"}) {
    CAPTURE(name);
    CHECK(value.contains(name));
  }
  CHECK(value.size() == 16);
  CHECK(value["log"]["events"][0] == Json{{"index", 1}, {"type", "deploy"}});
}

TEST_CASE("a malformed health answer is refused with the path of the field at fault") {
  const struct {
    std::string name;
    const char* pointer;
    Json value;
    const char* path;
  } cases[] = {
      {"ok as text", "/ok", "true", "$.ok"},
      {"ok missing", "/ok", nullptr, "$.ok"},
      {"another service", "/service", "cp", "$.service"},
      {"integrity of its own", "/integrity", "perfect", "$.integrity"},
      {"no agent", "/agent_id", nullptr, "$.agent_id"},
      {"slash in the agent", "/agent_id", "../x", "$.agent_id"},
      {"VM name with a dot", "/vm_name", "a.b", "$.vm_name"},
      {"hostname with a port", "/hostname", "a.example:80", "$.hostname"},
      {"owner empty", "/owner", "", "$.owner"},
      {"boot id short", "/boot_id", "0", "$.boot_id"},
      {"token empty", "/ita_token", "", "$.ita_token"},
      {"binding as text", "/binding", "dd/refresh/v1", "$.binding"},
      {"binding for another purpose", "/binding/tag", "dd/attest/v1", "$.binding.tag"},
      {"binding without nonce", "/binding/nonce", nullptr, "$.binding.nonce"},
      {"binding of a negative count", "/binding/quoted_events", -1, "$.binding.quoted_events"},
      {"log behind its end", "/log/from", 4, "$.log.from"},
      {"log longer than any", "/log/total", 4097, "$.log.total"},
      {"log with more than there is", "/log/total", 2, "$.log.events"},
      {"log head cut", "/log/head", "00", "$.log.head"},
      {"log of 257 events", "/log/events", Json(257, Json::object()), "$.log.events"},
      {"log with a text", "/log/events/1", "stop", "$.log.events[1]"},
      {"log with a fraction", "/log/events/1/at", 1.5, "$.log.events[1]"},
      {"deployments as object", "/deployments", Json::object(), "$.deployments"},
      {"deployment without name", "/deployments/1/app_name", nullptr, "$.deployments[1].app_name"},
      {"deployment named as a path", "/deployments/0/app_name", "../x", "$.deployments[0].app_name"},
      {"deployment with a long status", "/deployments/0/status", std::string(33, 's'), "$.deployments[0].status"},
      {"ingress without port", "/extra_ingress/0/port", nullptr, "$.extra_ingress[0].port"},
      {"uptime as text", "/uptime_secs", "77", "$.uptime_secs"},
      {"metrics missing", "/metrics", nullptr, "$.metrics"},
      {"load as text", "/metrics/load_1m", "0.1", "$.metrics.load_1m"},
      {"negative memory", "/metrics/memory_used_mb", -1, "$.metrics.memory_used_mb"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    auto value = to_json_value(samples::agent_health());
    value[Json::json_pointer(c.pointer)] = c.value;
    const auto health = agent_health_from(value);
    REQUIRE_FALSE(health.has_value());
    CHECK(health.error().path == c.path);
    CHECK(http_status(health.error().code) == 400);
  }
}

TEST_CASE("a page of the log knows where it stands") {
  const auto page = to_json_value(samples::agent_health().log);
  CHECK(log_page_from(page, "$").value() == samples::agent_health().log);
  auto wrong = page;
  wrong["head"] = 1;
  const auto read = log_page_from(wrong, "$.page");
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().path == "$.page.head");
}
