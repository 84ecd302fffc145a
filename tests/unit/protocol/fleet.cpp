#include <doctest/doctest.h>

#include <functional>

#include "libdd/core/json.hpp"
#include "tests/unit/protocol/samples.hpp"

using namespace dd;
using namespace dd::protocol;

namespace {

template <class T>
std::function<Result<void>(const Json&)> reading(Result<T> (*read)(const Json&)) {
  return [read](const Json& value) { return read(value).map([](const T&) {}); };
}

CpHealth cp_health() { return {true, "0.1.0", "prod", "app.dd.example", false, "enforced", 2, 1, 10}; }
DeployAnswer deploy_answer() {
  DeployAnswer answer;
  answer.id = "id-1";
  answer.status = "running";
  answer.app_name = "hello";
  answer.hostnames = {"hello.vm-1.dd.example"};
  answer.urls = {"https://hello.vm-1.dd.example/"};
  answer.warnings = {"unknown member x"};
  answer.ready = answer.settled = true;
  return answer;
}
/// Every member has a value of its own.
DeployAnswer rolled_back() {
  auto answer = deploy_answer();
  answer.status = "exited";
  answer.ready = false;
  answer.rolled_back = true;
  answer.replaced = "id-0";
  answer.rollback_of = "id-2";
  answer.reason = "it exited with status 3";
  answer.exit_code = 3;
  answer.signal = 9;
  answer.last_lines = {"cannot read config", ""};
  answer.listening = {1, 65535};
  answer.expose = {{"web", 20000, ServiceProtocol::http}};
  return answer;
}
LogsAnswer logs_answer() { return {"hello", "id-1", "running", {{"", "line \xef\xbf\xbd"}, 7, 9}}; }
MopAnswer mop_answer() { return {"hello", "id-1", {"hello.vm-1.dd.example"}}; }

}  // namespace

TEST_CASE("an agent without verdict or reason is shown without them") {
  auto view = samples::agent_view();
  view.verdict.clear();
  view.reason.clear();
  const auto value = to_json_value(view);
  CHECK(value["verdict"].is_null());
  CHECK_FALSE(value.contains("reason"));
  CHECK(agent_views_from(Json::array({value})).value() == std::vector{view});
}

TEST_CASE("what became of a deployment is read as it was written") {
  CHECK(deploy_answer_from(to_json_value(deploy_answer())).value() == deploy_answer());
  CHECK(deploy_answer_from(to_json_value(rolled_back())).value() == rolled_back());
}

TEST_CASE("what an earlier agent answers is its last word, and ready when it runs") {
  for (const std::string status : {"running", "completed", "deploying", "exited", "failed"}) {
    CAPTURE(status);
    const Json value = {{"ok", true},
                        {"id", "1"},
                        {"status", status},
                        {"app_name", "a"},
                        {"hostnames", Json::array()},
                        {"urls", Json::array()},
                        {"warnings", Json::array()}};
    const auto answer = deploy_answer_from(value).value();
    CHECK(answer.settled == (status != "deploying"));
    CHECK(answer.ready == (status == "running" || status == "completed"));
    CHECK_FALSE(answer.rolled_back);
  }
}

TEST_CASE("answers that confirm something say ok") {
  CHECK(to_json_value(deploy_answer())["ok"] == true);
  CHECK(to_json_value(mop_answer())["ok"] == true);
  CHECK(to_json_value(cp_health())["service"] == "cp");
}

TEST_CASE("what a fleet answers is refused with the path of the field at fault") {
  const auto views = Json::array({to_json_value(samples::agent_view())});
  const auto evidence = to_json_value(samples::evidence());
  const auto ingress = to_json_value(IngressReplace{"agent-1", {{"web", 80, ServiceProtocol::http}}});
  const auto deployed = to_json_value(rolled_back());
  const struct {
    std::string name;
    Json good;
    std::function<Result<void>(const Json&)> read;
    const char* pointer;
    Json value;
    const char* path;
  } cases[] = {
      {"ready as text", deployed, reading(deploy_answer_from), "/ready", "true", "$.ready"},
      {"rolled back as number", deployed, reading(deploy_answer_from), "/rolled_back", 1, "$.rolled_back"},
      {"replaced nothing", deployed, reading(deploy_answer_from), "/replaced", "", "$.replaced"},
      {"huge exit code", deployed, reading(deploy_answer_from), "/exit_code", 1LL << 40, "$.exit_code"},
      {"number as line", deployed, reading(deploy_answer_from), "/last_lines/0", 1, "$.last_lines[0]"},
      {"port 0", deployed, reading(deploy_answer_from), "/listening/0", 0, "$.listening[0]"},
      {"port as text", deployed, reading(deploy_answer_from), "/listening/1", "80", "$.listening[1]"},
      {"ingress of nobody", ingress, reading(ingress_replace_from), "/agent_id", nullptr, "$.agent_id"},
      {"ingress as object", ingress, reading(ingress_replace_from), "/extras", Json::object(), "$.extras"},
      {"ingress on a wild label", ingress, reading(ingress_replace_from), "/extras/0/hostname_label", "*",
       "$.extras[0].hostname_label"},
      {"ingress answer with a number", to_json_value(IngressAnswer{"a", {}}), reading(ingress_answer_from),
       "/extra_hostnames/0", 1, "$.extra_hostnames[0]"},
      {"agent without status", views, reading(agent_views_from), "/0/status", nullptr, "$[0].status"},
      {"agent with a text as verdict", views, reading(agent_views_from), "/0/verdict", "good", "$[0].verdict"},
      {"agent simulated by number", views, reading(agent_views_from), "/0/simulated", 1, "$[0].simulated"},
      {"health of an agent", to_json_value(cp_health()), reading(cp_health_from), "/service", "agent", "$.service"},
      {"health with an unknown policy", to_json_value(cp_health()), reading(cp_health_from), "/policy", "none",
       "$.policy"},
      {"health with a negative count", to_json_value(cp_health()), reading(cp_health_from), "/agent_count", -1,
       "$.agent_count"},
      {"empty ticket", to_json_value(Invite{"t", 1}), reading(invite_from), "/ticket", "", "$.ticket"},
      {"ticket without end", to_json_value(Invite{"t", 1}), reading(invite_from), "/expires_at", nullptr,
       "$.expires_at"},
      {"deploy without id", to_json_value(deploy_answer()), reading(deploy_answer_from), "/id", nullptr, "$.id"},
      {"deploy with one URL", to_json_value(deploy_answer()), reading(deploy_answer_from), "/urls", "https://x/",
       "$.urls"},
      {"deploy with a warning that is none", to_json_value(deploy_answer()), reading(deploy_answer_from), "/warnings/0",
       1, "$.warnings[0]"},
      {"logs in one text", to_json_value(logs_answer()), reading(logs_answer_from), "/lines", "a\nb", "$.lines"},
      {"logs with a gap", to_json_value(logs_answer()), reading(logs_answer_from), "/next", 10, "$.next"},
      {"logs without a number", to_json_value(logs_answer()), reading(logs_answer_from), "/first", nullptr, "$.first"},
      {"mop of another name", to_json_value(mop_answer()), reading(mop_answer_from), "/app_name", "../x", "$.app_name"},
      {"quote in base64url", evidence, reading(evidence_from), "/quote_b64", "_-__", "$.quote_b64"},
      {"nonce of 15 bytes", evidence, reading(evidence_from), "/nonce", std::string(20, 'A'), "$.nonce"},
      {"nonce of 65 bytes", evidence, reading(evidence_from), "/nonce", to_base64url(Bytes(65)), "$.nonce"},
      {"keys swapped", evidence, reading(evidence_from), "/signing_key/crv", "X25519", "$.signing_key"},
      {"log with a false event", evidence, reading(evidence_from), "/log/events/299", 7, "$.log.events[299]"},
      {"more quoted than logged", evidence, reading(evidence_from), "/quoted_events", 301, "$.quoted_events"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    REQUIRE(c.read(c.good).has_value());
    auto value = c.good;
    value[Json::json_pointer(c.pointer)] = c.value;
    const auto read = c.read(value);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().path == c.path);
  }
}

TEST_CASE("what a fleet answers is read back as it was written") {
  CHECK(agent_views_from(Json::array({to_json_value(samples::agent_view())})).value() ==
        std::vector{samples::agent_view()});
  CHECK(evidence_from(to_json_value(samples::evidence())).value() == samples::evidence());
  CHECK(cp_health_from(to_json_value(cp_health())).value() == cp_health());
  CHECK(invite_from(to_json_value(Invite{"t", 1})).value() == Invite{"t", 1});
  CHECK(deploy_answer_from(to_json_value(deploy_answer())).value() == deploy_answer());
  CHECK(logs_answer_from(to_json_value(logs_answer())).value() == logs_answer());
  CHECK(mop_answer_from(to_json_value(mop_answer())).value() == mop_answer());
}
