// The verbs against a fleet that answers what a hostile one might, over loopback.
#include <doctest/doctest.h>

#include "tests/unit/cli/served_fleet.hpp"

using namespace dd;
using cli::ddctl;
using Fleet = cli::ServedFleet;

namespace {

constexpr const char* kEscape = "\x1b[2J";

bool harmless(const std::string& text) {
  return text.find('\x1b') == std::string::npos && text.find("\xc2\x9b") == std::string::npos;
}

}  // namespace

TEST_CASE("a wrong command line is told so with exit code 2") {
  const cli::Environment environment;
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {}, {"nothing"}, {"deploy"}, {"agents", "-o", "xml"}, {"logs", "app", "-n", "0"}, {"ps", "--unknown"}}) {
    const auto said = ddctl(arguments);
    CHECK(said.code == 2);
    CHECK(said.out.empty());
    CHECK_FALSE(said.err.empty());
  }
}

TEST_CASE("a file that cannot be read is named with the reason") {
  Fleet fleet;
  const auto folder = (fleet.environment.home().path() / "folder.json").string();
  std::filesystem::create_directory(folder);
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"deploy", folder}, {"agents", "--pat-file", folder}, {"bake", folder}, {"up", "--boot", folder}}) {
    CAPTURE(arguments[0]);
    const auto said = ddctl(arguments);
    CHECK(said.code != 0);
    CHECK(said.err.find(folder + ": Is a directory") != std::string::npos);
  }
}

TEST_CASE("help and version are no failure") {
  CHECK(ddctl({"--help"}).code == 0);
  CHECK(ddctl({"--version"}).out == std::string("ddctl ") + DD_VERSION + "\n");
}

TEST_CASE("what an agent has said of itself cannot drive the terminal") {
  Fleet fleet;
  fleet.agents[0].reason = std::string("unreachable: ") + kEscape +
                           "\xc2\x9b"
                           "31m";
  fleet.deploy["urls"] = Json::array({std::string("http://app") + kEscape});
  fleet.deploy["warnings"] = Json::array({std::string("careful") + kEscape});
  fleet.logs["lines"] = Json::array({std::string("line") + kEscape});
  fleet.logs["next"] = 1;
  const auto spec = fleet.environment.home().write("spec.json", "{}").string();
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"agents"}, {"agents", "show", "vm-1"}, {"logs", "app"}, {"deploy", spec}}) {
    CAPTURE(arguments[0]);
    const auto said = ddctl(arguments);
    CHECK(said.code == 0);
    CHECK(said.out.find("?[2J") != std::string::npos);
    CHECK(harmless(said.out));
    CHECK(harmless(said.err));
  }
}

TEST_CASE("data goes to stdout and everything else to stderr, so that output can be used") {
  Fleet fleet;
  const auto spec = fleet.environment.home().write("spec.json", "{}").string();
  CHECK(ddctl({"deploy", spec}).out == "http://app.vm-1.dd.example/\n");
  CHECK(ddctl({"agents", "invite"}).out == "a.b.c\n");
  const auto listed = parse_json(ddctl({"agents", "-o", "json"}).out);
  REQUIRE(listed.has_value());
  CHECK(listed->at(0).at("vm_name") == "vm-1");
  CHECK(listed->at(0).at("verdict").at("accepted") == true);
}

TEST_CASE("a deployment that is not up is no success, whatever the agent knows to say") {
  const struct {
    std::string name;
    Json answer;
    int code;
  } rows[] = {
      {"earlier agent, running", {{"status", "running"}}, 0},
      {"earlier agent, completed", {{"status", "completed"}}, 0},
      {"earlier agent, exited", {{"status", "exited"}}, 1},
      {"earlier agent, stopped", {{"status", "stopped"}}, 1},
      {"earlier agent, failed", {{"status", "failed"}}, 1},
      {"earlier agent, deploying", {{"status", "deploying"}}, 124},
      {"ready", {{"status", "running"}, {"ready", true}, {"settled", true}}, 0},
      {"one-shot", {{"status", "exited"}, {"ready", true}, {"settled", true}}, 0},
      {"rolled back", {{"status", "exited"}, {"ready", false}, {"settled", true}, {"rolled_back", true}}, 1},
      {"kept", {{"status", "running"}, {"ready", false}, {"settled", true}}, 1},
      {"under way", {{"status", "deploying"}, {"ready", false}, {"settled", false}}, 124},
      {"ready and not public", {{"status", "deploying"}, {"ready", true}, {"settled", true}}, 124},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Fleet fleet;
    const auto spec = fleet.environment.home().write("spec.json", "{}").string();
    fleet.deploy.update(row.answer);
    CHECK(ddctl({"deploy", spec, "--wait", "0"}).code == row.code);
    CHECK(fleet.deployments_asked.empty());
  }
}

TEST_CASE("a deployment is seen out, and when it fails what there is to know is printed") {
  Fleet fleet;
  const auto spec = fleet.environment.home().write("spec.json", "{}").string();
  fleet.deploy.update(
      {{"status", "deploying"}, {"settled", false}, {"ready", false}, {"warnings", {"not public yet"}}});
  fleet.deploy_later = {{{"reason", ""}},
                        {{"status", "exited"},
                         {"settled", true},
                         {"reason", "it exited with status 78"},
                         {"warnings", Json::array()},
                         {"rolled_back", true},
                         {"exit_code", 78},
                         {"last_lines", {"cannot read config", "bye"}}}};
  const auto said = ddctl({"deploy", spec});
  CHECK(said.code == 1);
  CHECK(fleet.deployments_asked == std::vector<std::string>(2, "/deployments/id-1?wait=20s"));
  CHECK(said.err ==
        "app is exited on vm-1: it exited with status 78\n"
        "what was there before it serves\n"
        "the end of its log:\n"
        "  | cannot read config\n"
        "  | bye\n"
        "next: ddctl logs app --agent vm-1 --id id-1\n");
}

TEST_CASE("what became of a deployment is printed as JSON with the same exit code") {
  Fleet fleet;
  const auto spec = fleet.environment.home().write("spec.json", "{}").string();
  fleet.deploy.update({{"status", "exited"}, {"settled", true}, {"ready", false}, {"signal", 9}, {"listening", {80}}});
  const auto said = ddctl({"deploy", spec, "-o", "json"});
  CHECK(said.code == 1);
  const auto value = parse_json(said.out).value();
  CHECK(value.at("ready") == false);
  CHECK(value.at("signal") == 9);
  CHECK(value.at("listening") == Json{80});
  CHECK(value.at("agent") == "vm-1");
  CHECK_FALSE(value.contains("exit_code"));
  CHECK_FALSE(value.contains("replaced"));
}

TEST_CASE("a wait that is none is told so") {
  Fleet fleet;
  const auto spec = fleet.environment.home().write("spec.json", "{}").string();
  for (const std::string wait : {"soon", "-1s", "1d"}) {
    CAPTURE(wait);
    const auto said = ddctl({"deploy", spec, "--wait", wait});
    CHECK(said.code != 0);
    CHECK(said.err.find("--wait") != std::string::npos);
  }
}

TEST_CASE("a spec that cannot be read is not sent") {
  Fleet fleet;
  CHECK(ddctl({"deploy", (fleet.environment.home().path() / "missing").string()}).code == 1);
  const auto large = fleet.environment.home().write("large.json", std::string(256 * 1024 + 1, ' ')).string();
  const auto said = ddctl({"deploy", large});
  CHECK(said.code == 30);
  CHECK(said.err.find("256 KiB") != std::string::npos);
}

TEST_CASE("an agent is named when there are several, and revoked by its id with the reason") {
  Fleet fleet;
  fleet.agents.push_back(cli::agent_view("vm-2"));
  CHECK(ddctl({"logs", "app"}).code == 1);
  CHECK(ddctl({"logs", "app", "--agent", "vm-2"}).code == 0);
  const auto said = ddctl({"agents", "revoke", "vm-2", "--reason", "lost"});
  CHECK(said.code == 0);
  CHECK(said.out == "revoked dd-test-agent-vm-2\n");
  CHECK(fleet.revoked == R"(dd-test-agent-vm-2 {"reason":"lost"})");
  CHECK(ddctl({"agents", "revoke", "vm-3"}).code == 1);
}

TEST_CASE("a fleet that is not there is a failure with a message") {
  cli::Environment environment;
  environment.set("DD_CP_URL", "http://127.0.0.1:1");
  const auto said = ddctl({"agents"});
  CHECK(said.code == 1);
  CHECK(said.out.empty());
  CHECK(said.err.starts_with("ddctl: cannot "));
}
