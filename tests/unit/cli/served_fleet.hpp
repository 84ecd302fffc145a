// A fleet that answers what a hostile one might, over loopback, and ddctl run against it.
#pragma once

#include <unistd.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "libdd/cli/cli.hpp"
#include "libdd/core/json.hpp"
#include "libdd/protocol/fleet.hpp"
#include "tests/unit/cli/captured.hpp"
#include "tests/unit/net/served.hpp"

namespace dd::cli {

struct Said {
  int code = 0;
  std::string out;
  std::string err;
};

inline Said ddctl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "ddctl");
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  Captured out(STDOUT_FILENO);
  Captured err(STDERR_FILENO);
  Said said;
  said.code = run(static_cast<int>(argv.size()), argv.data());
  said.err = err.text();
  said.out = out.text();
  return said;
}

inline protocol::AgentView agent_view(const std::string& name) {
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
struct ServedFleet {
  std::vector<protocol::AgentView> agents{agent_view("vm-1")};
  Json deploy = {{"ok", true},
                 {"id", "id-1"},
                 {"status", "running"},
                 {"app_name", "app"},
                 {"hostnames", Json::array()},
                 {"urls", Json::array({"http://app.vm-1.dd.example/"})},
                 {"warnings", Json::array()}};
  std::vector<Json> deploy_later;  // what is different when it is asked what became of it; the last one is forgotten
  std::vector<std::string> deployments_asked;
  Json logs = {{"app_name", "app"},      {"id", "id-1"}, {"status", "running"},
               {"lines", Json::array()}, {"first", 0},   {"next", 0}};
  Json exec = Json::object();
  std::string exec_asked;
  std::vector<std::string> logs_asked;
  std::vector<Json> logs_later;  // what the calls after the first answer; the last one stays
  std::string revoked;
  Environment environment;
  test::Served served{routes()};

  ServedFleet() {
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
    router.add("POST", "/exec", handler([this](const auto& request) {
                 exec_asked = request.body;
                 return exec;
               }));
    router.add("POST", "/deploy", handler([this](const auto&) { return deploy; }));
    router.add("GET", "/deployments/{id}", handler([this](const auto& request) {
                 deployments_asked.push_back(request.target);
                 auto answer = deploy;
                 if (!deploy_later.empty()) {
                   answer.update(deploy_later.front());
                   deploy_later.erase(deploy_later.begin());
                 }
                 return answer;
               }));
    router.add("GET", "/logs/{app}", handler([this](const auto& request) {
                 logs_asked.push_back(request.target);
                 auto answer = logs;
                 if (!logs_later.empty()) {
                   logs = logs_later.front();
                   logs_later.erase(logs_later.begin());
                 }
                 return answer;
               }));
    return router;
  }
};

}  // namespace dd::cli
