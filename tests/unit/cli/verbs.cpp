// The verbs against a fleet that answers what a hostile one might, over loopback.
#include <unistd.h>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "libdd/cli/cli.hpp"
#include "libdd/core/json.hpp"
#include "libdd/protocol/fleet.hpp"
#include "tests/unit/cli/captured.hpp"
#include "tests/unit/net/served.hpp"

using namespace dd;

namespace {

constexpr const char* kEscape = "\x1b[2J";

struct Said {
  int code = 0;
  std::string out;
  std::string err;
};

Said ddctl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "ddctl");
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  cli::Captured out(STDOUT_FILENO);
  cli::Captured err(STDERR_FILENO);
  Said said;
  said.code = cli::run(static_cast<int>(argv.size()), argv.data());
  said.err = err.text();
  said.out = out.text();
  return said;
}

protocol::AgentView agent(const std::string& name) {
  protocol::AgentView view;
  view.agent_id = "dd-test-agent-" + name;
  view.vm_name = name;
  view.hostname = name + ".dd.example";
  view.status = "healthy";
  view.last_seen = view.registered_at = "2026-09-21T14:13:20Z";
  view.kid = "kid";
  view.tcb_status = "UpToDate";
  view.verdict =
      R"({"accepted":true,"rules":[{"rule":"mrtd","passed":false,"explanation":"\u001b[2Jmrtd"}],"notes":["\u001b[2Jnote"]})";
  view.mrtd = std::string(96, 'a');
  return view;
}

/// Control plane and agents at one port; every answer can be replaced.
struct Fleet {
  std::vector<protocol::AgentView> agents{agent("vm-1")};
  Json deploy = {{"ok", true},
                 {"id", "id-1"},
                 {"status", "running"},
                 {"app_name", "app"},
                 {"hostnames", Json::array()},
                 {"urls", Json::array({"http://app.vm-1.dd.example/"})},
                 {"warnings", Json::array()}};
  Json logs = {{"app_name", "app"}, {"id", "id-1"}, {"status", "running"}, {"lines", Json::array()}};
  std::string revoked;
  cli::Environment environment;
  test::Served served{routes()};

  Fleet() {
    const auto here = "http://127.0.0.1:" + std::to_string(served.port());
    environment.set("DD_CP_URL", here);
    environment.set("DD_EDGE_URL", here);
    environment.set("DD_PAT", "ghp_owner");
  }
  using Answer = std::function<Json(const net::ServerRequest&)>;
  static net::Handler handler(Answer answer) {
    return [answer = std::move(answer)](const net::ServerRequest& request) -> net::Task<Result<net::ServerResponse>> {
      const auto body = answer(request);
      co_return net::json_response(to_text(body));
    };
  }
  net::Router routes() {
    net::Router router;
    router.add("GET", "/api/agents", handler([this](const auto&) {
                 Json all = Json::array();
                 for (const auto& view : agents) all.push_back(protocol::to_json_value(view));
                 return all;
               }));
    router.add("POST", "/api/invites",
               handler([](const auto&) { return Json{{"ticket", "a.b.c"}, {"expires_at", 1}}; }));
    router.add("POST", "/api/agents/{id}/revoke", handler([this](const auto& request) {
                 revoked = request.params.at(0) + " " + request.body;
                 return Json{{"agent_id", request.params.at(0)}, {"status", "dropped"}};
               }));
    router.add("POST", "/deploy", handler([this](const auto&) { return deploy; }));
    router.add("GET", "/logs/{app}", handler([this](const auto&) { return logs; }));
    return router;
  }
};

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

TEST_CASE("a deployment that is not up is no success") {
  const struct {
    std::string status;
    int code;
  } rows[] = {{"running", 0}, {"exited", 0}, {"completed", 0}, {"deploying", 1}, {"stopped", 1}, {"failed", 1}};
  Fleet fleet;
  const auto spec = fleet.environment.home().write("spec.json", "{}").string();
  for (const auto& row : rows) {
    CAPTURE(row.status);
    fleet.deploy["status"] = row.status;
    CHECK(ddctl({"deploy", spec}).code == row.code);
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
  fleet.agents.push_back(agent("vm-2"));
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
