#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/fleet_client/fake_fleet.hpp"

using namespace dd;
using Json = nlohmann::json;

namespace {

constexpr auto kAgents =
    R"([{"agent_id":"id-1","vm_name":"one","hostname":"one.dd.example","status":"quarantined","reason":"token expired",
    "last_seen":"2026-05-01T10:00:00Z","registered_at":"2026-05-01T09:00:00Z","kid":"k","extra_hostnames":["web.one.dd.example"],
    "simulated":true,"verdict":{"accepted":true},"tcb_status":"UpToDate","mrtd":"00ff","new_member":1}])";
constexpr auto kDeployed =
    R"({"ok":true,"id":"d-1","status":"running","app_name":"hello","hostnames":["hello.one.dd.example"],
    "urls":["https://hello.one.dd.example/"],"warnings":["unknown member x"]})";

}  // namespace

TEST_CASE("health is asked for without the credential") {
  FleetUnderTest t;
  t.fleet->answer(
      "GET https://app.dd.example/health",
      R"({"ok":true,"service":"cp","version":"0.1.0","env":"prod","hostname":"app.dd.example","simulated":false,"policy":"tofu",
                      "agent_count":3,"healthy_count":2,"uptime_secs":9})");
  const auto health = t.client.health().value();
  CHECK(health.ok);
  CHECK(health.version == "0.1.0");
  CHECK(health.env == "prod");
  CHECK(health.hostname == "app.dd.example");
  CHECK(health.policy == "tofu");
  CHECK(health.agent_count == 3);
  CHECK(health.healthy_count == 2);
  CHECK(health.uptime_secs == 9);
  CHECK(t.fleet->requests.at(0).headers.find("Authorization") == nullptr);
}

TEST_CASE("agents are listed with all that the control plane says of them") {
  FleetUnderTest t;
  t.fleet->answer("GET https://app.dd.example/api/agents", kAgents);
  const auto agents = t.client.agents().value();
  REQUIRE(agents.size() == 1);
  CHECK(agents[0].agent_id == "id-1");
  CHECK(agents[0].vm_name == "one");
  CHECK(agents[0].hostname == "one.dd.example");
  CHECK(agents[0].status == "quarantined");
  CHECK(agents[0].reason == "token expired");
  CHECK(agents[0].last_seen == "2026-05-01T10:00:00Z");
  CHECK(agents[0].registered_at == "2026-05-01T09:00:00Z");
  CHECK(agents[0].kid == "k");
  CHECK(agents[0].extra_hostnames == std::vector<std::string>{"web.one.dd.example"});
  CHECK(agents[0].simulated);
  CHECK(agents[0].verdict == R"({"accepted":true})");
  CHECK(agents[0].tcb_status == "UpToDate");
  CHECK(agents[0].mrtd == "00ff");
  CHECK(*t.fleet->requests.at(0).headers.find("Authorization") == "Bearer ghp_secret");
}

TEST_CASE("an agent is found among those of the control plane") {
  FleetUnderTest t;
  t.fleet->answer("GET https://app.dd.example/api/agents", kAgents);
  CHECK(t.client.find_agent("one").value().agent_id == "id-1");
  CHECK_FALSE(t.client.find_agent("two").has_value());
}

TEST_CASE("a deploy request goes to the agent itself") {
  FleetUnderTest t;
  t.fleet->answer("POST https://one.dd.example/deploy", kDeployed);
  const DeployRequest request{"hello", {"hello", "18080"}, {}, {{"hello", 18080, ServiceProtocol::http}}, false, false,
                              {}};
  const auto deployed = t.client.deploy("one.dd.example", request).value();
  CHECK(deployed.id == "d-1");
  CHECK(deployed.status == "running");
  CHECK(deployed.app_name == "hello");
  CHECK(deployed.hostnames == std::vector<std::string>{"hello.one.dd.example"});
  CHECK(deployed.urls == std::vector<std::string>{"https://hello.one.dd.example/"});
  CHECK(deployed.warnings == std::vector<std::string>{"unknown member x"});
  const auto& sent = t.fleet->requests.at(0);
  CHECK(deploy_request_from(Json::parse(sent.body)).value() == request);
  CHECK(*sent.headers.find("Content-Type") == "application/json");
  CHECK(*sent.headers.find("Authorization") == "Bearer ghp_secret");
}

TEST_CASE("the text of a deploy request is sent as it is") {
  FleetUnderTest t;
  t.fleet->answer("POST https://one.dd.example/deploy", kDeployed);
  REQUIRE(t.client.deploy_text("one.dd.example", "{ \"app_name\" : \"hello\" }").has_value());
  CHECK(t.fleet->requests.at(0).body == "{ \"app_name\" : \"hello\" }");
}

TEST_CASE("what became of a deployment, and what starts or ends one again, is asked of the agent") {
  FleetUnderTest t;
  const auto failed = R"({"ok":true,"id":"d-2","status":"exited","app_name":"a","hostnames":[],"urls":[],"warnings":[],
      "ready":false,"settled":true,"rolled_back":true,"replaced":"d-1","rollback_of":"d-0","reason":"it exited","exit_code":3,
      "signal":9,"last_lines":["x"],"listening":[80]})";
  const std::string app = "https://one.dd.example/deployments/a";
  t.fleet->answer("GET https://one.dd.example/deployments/d-2?wait=1500ms", failed);
  const auto told = t.client.deployment("one.dd.example", "d-2", std::chrono::milliseconds(1500)).value();
  CHECK(told.over());
  CHECK_FALSE(told.ready);
  CHECK(told.rolled_back);
  CHECK(told.replaced == "d-1");
  CHECK(told.rollback_of == "d-0");
  CHECK(told.reason == "it exited");
  CHECK(told.exit_code == 3);
  CHECK(told.signal == 9);
  CHECK(told.last_lines == std::vector<std::string>{"x"});
  CHECK(told.listening == std::vector<std::uint16_t>{80});
  t.fleet->answer("POST https://one.dd.example/deploy?wait=0", failed);
  CHECK(t.client.deploy_text("one.dd.example", "{}", std::chrono::milliseconds(0)).value().id == "d-2");
  t.fleet->answer("POST " + app + "/restart", failed);
  CHECK(t.client.restart("one.dd.example", "a").value().id == "d-2");
  t.fleet->answer("POST " + app + "/rollback?wait=20s", failed);
  CHECK(t.client.rollback("one.dd.example", "a", std::chrono::seconds(20)).value().id == "d-2");
  t.fleet->answer("POST " + app + "/stop", R"({"ok":true,"app_name":"a","id":"1","hostnames":["a.one.dd.example"]})");
  CHECK(t.client.stop("one.dd.example", "a").value().hostnames == std::vector<std::string>{"a.one.dd.example"});
}

TEST_CASE("deployments, logs and mop are asked of the agent") {
  FleetUnderTest t;
  t.fleet->answer("GET https://one.dd.example/deployments",
                  R"({"deployments":[{"id":"1","app_name":"a","status":"running"}]})");
  t.fleet->answer("GET https://one.dd.example/logs/a?tail=5",
                  R"({"app_name":"a","id":"1","status":"running","lines":["x","y"],"first":40,"next":41})");
  t.fleet->answer("GET https://one.dd.example/logs/a?from=41&tail=1000",
                  R"({"app_name":"a","id":"1","status":"exited","lines":["y"],"first":41,"next":42})");
  t.fleet->answer("DELETE https://one.dd.example/deployments/a",
                  R"({"ok":true,"app_name":"a","id":"1","hostnames":["a.one.dd.example"]})");
  const auto deployments = t.client.deployments("one.dd.example").value();
  REQUIRE(deployments.size() == 1);
  CHECK(deployments[0].status == DeploymentStatus::running);
  const auto logs = t.client.logs("one.dd.example", "a", 5).value();
  CHECK(logs.lines == std::vector<std::string>{"x", "y"});
  CHECK(logs.status == "running");
  CHECK(logs.first == 40);
  CHECK(logs.next == 41);
  CHECK(t.client.logs_from("one.dd.example", "a", logs.next).value().lines == std::vector<std::string>{"y"});
  const auto before = R"({"app_name":"a","id":"0","status":"failed","lines":[],"first":0,"next":0})";
  t.fleet->answer("GET https://one.dd.example/logs/a?tail=5&previous=true", before);
  CHECK(t.client.logs("one.dd.example", "a", 5, {.previous = true}).value().id == "0");
  t.fleet->answer("GET https://one.dd.example/logs/a?from=0&tail=9&id=0%26x", before);
  CHECK(t.client.logs_from("one.dd.example", "a", 0, 9, {.id = "0&x"}).value().status == "failed");
  const auto mopped = t.client.mop("one.dd.example", "a").value();
  CHECK(mopped.id == "1");
  CHECK(mopped.hostnames == std::vector<std::string>{"a.one.dd.example"});
}

TEST_CASE("a command runs at the agent, and may take as long as its timeout says") {
  FleetUnderTest t;
  t.fleet->answer("POST https://one.dd.example/exec",
                  R"({"ok":true,"id":"e-1","exit_code":3,"stdout":"o","stderr":"e","truncated":true})");
  Command command;
  command.cmd = {"sh", "-c", "exit 3"};
  command.app_name = "a";
  command.timeout = std::chrono::seconds(600);
  const auto ended = t.client.exec("one.dd.example", command).value();
  CHECK(ended.id == "e-1");
  CHECK(ended.exit_code == 3);
  CHECK_FALSE(ended.signal);
  CHECK(ended.out == "o");
  CHECK(ended.err == "e");
  CHECK(ended.truncated);
  const auto& sent = t.fleet->requests.at(0);
  CHECK(Json::parse(sent.body) == Json{{"cmd", command.cmd}, {"app", "a"}, {"timeout_secs", 600}});
  CHECK(sent.deadline > command.timeout);

  t.fleet->answer("POST https://one.dd.example/exec",
                  R"({"ok":true,"id":"e-2","exit_code":-1,"signal":9,"stdout":"","stderr":""})");
  const auto killed = t.client.exec("one.dd.example", command).value();
  CHECK(killed.signal == 9);
  CHECK_FALSE(killed.exit_code);
}

TEST_CASE("what commands run at an agent is asked of it") {
  FleetUnderTest t;
  t.fleet->answer(
      "GET https://one.dd.example/commands",
      R"({"commands":[{"id":"e-1","type":"attach","cmd":["sh"],"app_name":"a","privileged":true,"started_at":"t"}]})");
  const auto commands = t.client.commands("one.dd.example").value();
  REQUIRE(commands.size() == 1);
  CHECK(commands[0].id == "e-1");
  CHECK(commands[0].type == "attach");
  CHECK(commands[0].cmd == std::vector<std::string>{"sh"});
  CHECK(commands[0].app_name == "a");
  CHECK(commands[0].privileged);
  CHECK(commands[0].started_at == "t");
}

TEST_CASE("a terminal opens at the agent with a ticket, and with nothing else that is secret") {
  FleetUnderTest t;
  t.fleet->answer("POST https://one.dd.example/session/a/ticket", R"({"ticket":"t+1","expires_in":30})");
  CHECK(t.client.terminal_url("one.dd.example", "a").value().reveal() ==
        "https://one.dd.example/ws/session/a?ticket=t%2B1");
  t.fleet->answer("POST https://one.dd.example/session/a/ticket", R"({"ticket":""})");
  CHECK(t.client.terminal_url("one.dd.example", "a").error().code == ErrorCode::upstream);
}

TEST_CASE("a name cannot leave its place in a path") {
  FleetUnderTest t;
  (void)t.client.mop("one.dd.example", "../agents?x");
  (void)t.client.revoke("../policy", "");
  CHECK(t.fleet->requests.at(0).url == "https://one.dd.example/deployments/..%2Fagents%3Fx");
  CHECK(t.fleet->requests.at(1).url == "https://app.dd.example/api/agents/..%2Fpolicy/revoke");
}

TEST_CASE("an agent is revoked with a reason") {
  FleetUnderTest t;
  t.fleet->answer("POST https://app.dd.example/api/agents/id-1/revoke", R"({"agent_id":"id-1","status":"dropped"})");
  REQUIRE(t.client.revoke("id-1", "stolen").has_value());
  REQUIRE(t.client.revoke("id-1", "").has_value());
  CHECK(Json::parse(t.fleet->requests.at(0).body) == Json{{"reason", "stolen"}});
  CHECK(t.fleet->requests.at(1).body == "{}");
}

TEST_CASE("an invitation is for one name or for any") {
  FleetUnderTest t;
  t.fleet->answer("POST https://app.dd.example/api/invites", R"({"ticket":"a.b.c","expires_at":1777000000})");
  const auto ticket = t.client.invite("one").value();
  CHECK(ticket.ticket == Secret("a.b.c"));
  CHECK(ticket.expires_at == 1'777'000'000);
  REQUIRE(t.client.invite("").has_value());
  CHECK(Json::parse(t.fleet->requests.at(0).body) == Json{{"vm_name", "one"}});
  CHECK(t.fleet->requests.at(1).body == "{}");
}

TEST_CASE("evidence is handed out as it came, bound to the nonce") {
  FleetUnderTest t;
  t.fleet->answer("GET https://one.dd.example/attest?nonce=AAAAAAAAAAAAAAAAAAAAAA", "{ \"quote_b64\" : \"\" }");
  CHECK(t.client.evidence("one.dd.example", Bytes(16)).value() == "{ \"quote_b64\" : \"\" }");
  for (const std::size_t size : {0, 15, 65}) {
    const auto evidence = t.client.evidence("one.dd.example", Bytes(size));
    REQUIRE_FALSE(evidence.has_value());
    CHECK(evidence.error().code == ErrorCode::invalid_argument);
  }
  CHECK(t.fleet->requests.size() == 1);
}
