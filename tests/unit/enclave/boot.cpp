// Boot workloads: roles, capability, connector, restart, reserved names.
#include <unistd.h>

#include <csignal>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/enclave/running_enclave.hpp"

using namespace dd;
using dd::test::eventually;
using dd::test::RunningEnclave;

namespace {

std::string shell_probe(const std::string& method) {
  return std::string(DD_PROBE) + " capability '{\"method\":\"" + method + "\"";
}

Json boot_agent(const std::string& script) {
  return Json::array({{{"app_name", "dd-agent"},
                       {"role", "agent"},
                       {"inherit_token", true},
                       {"listen", Json::array()},
                       {"cmd", {"sh", "-c", script}}}});
}

Json answer_of(RunningEnclave& enclave) { return parse_json(enclave.line(enclave.find("dd-agent").id, "{")).value(); }

}  // namespace

TEST_CASE("the agent has the capability socket at the descriptor it is told") {
  RunningEnclave enclave(boot_agent("echo fd $DD_CAP_FD; " + shell_probe("keys") + "}'; sleep 1000"));
  const auto keys = answer_of(enclave);
  CHECK(keys.at("ok") == true);
  CHECK(keys.at("boot_id") == enclave.call({{"method", "health"}}).at("boot_id"));
  CHECK(enclave.line(enclave.find("dd-agent").id, "fd") == "fd 3");
}

TEST_CASE("the event log says what was booted before it runs") {
  RunningEnclave enclave(boot_agent(shell_probe("log") + ",\"from\":0}'; sleep 1000"));
  const auto log = answer_of(enclave);
  REQUIRE(log.at("events").size() >= 2);
  const auto& boot = log.at("events")[0];
  CHECK(boot.at("type") == "boot");
  CHECK(boot.at("boundary") == (geteuid() == 0 ? "uid" : "none"));
  CHECK(boot.at("runtime_digest").get<std::string>().starts_with("sha256:"));
  CHECK(boot.at("config").at("boot_workloads") == Json{"dd-agent", "holder"});
  for (const auto* member : {"ca_file", "search_path", "fetch_program", "github_api_url"})  // what the policy judges
    CHECK(boot.at("config").contains(member));
  const auto& agent = log.at("events")[1];
  CHECK(agent.at("type") == "workload");
  CHECK(agent.at("role") == "agent");
  CHECK(agent.at("digest") == enclave.find("dd-agent").digest);
}

TEST_CASE("an agent that ends comes back with the same keys and goes on counting") {
  RunningEnclave enclave(boot_agent(shell_probe("keys") + "}'; " + shell_probe("seq") + ",\"count\":10}'; exit 1"));
  const auto id = enclave.find("dd-agent").id;
  CHECK(eventually([&] { return enclave.logs(id).size() >= 4; }));
  const auto lines = enclave.logs(id);
  CHECK(parse_json(lines[0]).value().at("signing_key") == parse_json(lines[2]).value().at("signing_key"));
  CHECK(parse_json(lines[1]).value().at("first") == 1);
  CHECK(parse_json(lines[3]).value().at("first") == 11);
  // The same record, and the log does not name it twice.
  CHECK(enclave.find("dd-agent").id == id);
}

TEST_CASE("a boot workload without a role does not come back") {
  RunningEnclave enclave(Json::array({{{"app_name", "once"}, {"cmd", {"true"}}}}));
  const auto end = enclave.finished(enclave.find("once").id);
  CHECK(end.status == DeploymentStatus::exited);
  CHECK(end.boot);
}

TEST_CASE("the connector is staged and never started; the agent is told where") {
  auto boot = boot_agent("echo connector $DD_CONNECTOR; sleep 1000");
  boot.push_back({{"app_name", "cloudflared"}, {"role", "connector"}, {"cmd", {"sleep", "connect"}}});
  RunningEnclave enclave(boot);
  const auto connector = enclave.find("cloudflared");
  CHECK(connector.status == DeploymentStatus::completed);
  CHECK_FALSE(connector.pid.has_value());
  const auto path = (enclave.data() / "store" / ("sha256-" + connector.digest.substr(7))).string();
  CHECK(enclave.line(enclave.find("dd-agent").id, "connector") == "connector " + Json{path, "connect"}.dump());
}

TEST_CASE("names of boot workloads are reserved") {
  RunningEnclave enclave(boot_agent("sleep 1000"));
  const auto deploy = enclave.call({{"method", "deploy"}, {"app_name", "dd-agent"}, {"cmd", {"true"}}});
  CHECK(deploy.at("code") == "conflict");
  CHECK(deploy.at("reason") == "reserved_name");
  const auto stop = enclave.call({{"method", "stop"}, {"id", enclave.find("dd-agent").id}});
  CHECK(stop.at("code") == "conflict");
  CHECK(stop.at("reason") == "reserved_name");
  CHECK(eventually([&] { return enclave.find("dd-agent").status == DeploymentStatus::running; }));
}

TEST_CASE("a boot workload that cannot start is failed, the others are up") {
  RunningEnclave enclave(Json::array({{{"app_name", "broken"}, {"cmd", {"no-such-program"}}}}));
  const auto broken = enclave.settled(enclave.find("broken").id);
  CHECK(broken.status == DeploymentStatus::failed);
  CHECK(broken.error_message.find("no-such-program") != std::string::npos);
}

TEST_CASE("values of settings are in the log only when they are public") {
  const auto script = shell_probe("log") + ",\"from\":0}'; sleep 1000";
  Json boot = boot_agent(script);
  boot[0]["env"] = {"DD_OWNER=octo-org", "DD_PAT=ghp_secret"};
  RunningEnclave enclave(boot);
  const auto env = answer_of(enclave).at("events")[1].at("env");
  CHECK(env.at("DD_OWNER") == "octo-org");
  CHECK(env.at("DD_PAT").get<std::string>().starts_with("hmac-sha256:"));
}
