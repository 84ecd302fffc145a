// Refusals, timeouts and failures of the owner's calls. Their good course is in tests/integration/main_line.py.
#include "libdd/agent/deploy_api.hpp"

#include <unistd.h>

#include <doctest/doctest.h>

#include "tests/unit/agent/deploying.hpp"
#include "tests/unit/agent/listener.hpp"

using namespace dd;
using namespace dd::agent;
using namespace dd::test;

namespace {

AgentOptions impatient() {
  AgentOptions options;
  options.deploy_wait = std::chrono::milliseconds(0);
  return options;
}

}  // namespace

TEST_CASE("every call is the owner's") {
  Deploying f;
  const std::pair<std::string, std::string> routes[] = {
      {"POST", "/deploy"}, {"GET", "/deployments"}, {"GET", "/logs/app"}, {"DELETE", "/deployments/app"}};
  for (const auto& [method, path] : routes) {
    CAPTURE(path);
    const auto answer = f.ask(f.router, {method, path, test::bearer("ghp_stranger"), {}});
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().code == ErrorCode::permission_denied);
  }
  CHECK(f.runtime_calls.empty());
}

TEST_CASE("a deployment that would take what another has is refused before anything starts") {
  const Listener taken;
  Deploying f;
  auto greeter = running("greeter", {expose_as("hello", 7001)});
  greeter.boot = true;
  auto ended = running("ended", {expose_as("free", 7002)});
  ended.status = DeploymentStatus::exited;
  f.deployments = {greeter, running("other", {expose_as("web", 7003)}), ended};
  const SilentPort silent;

  check_error(f.deploy({expose_as("web", silent.port())}), ErrorCode::conflict, "label_in_use", "other");
  check_error(f.deploy({expose_as("mine", 7003)}), ErrorCode::conflict, "port_in_use", "other");
  check_error(f.deploy({expose_as("mine", 7001)}), ErrorCode::conflict, "port_in_use", "greeter");
  check_error(f.deploy({expose_as("mine", taken.port())}), ErrorCode::conflict, "port_in_use",
              "uid " + std::to_string(getuid()));
  check_error(f.deploy({expose_as("mine", 9090)}), ErrorCode::invalid_argument, "", "the agent's own");
  f.deployments[0].app_name = "app";
  check_error(f.deploy({}), ErrorCode::conflict, "reserved_name", "boot workload");
  f.deployments[0].status = DeploymentStatus::failed;  // its name is still not free
  check_error(f.deploy({}), ErrorCode::conflict, "reserved_name");
  for (const auto& called : f.runtime_calls) CHECK(called == "list");
}

TEST_CASE("a redeployment may have the port that the one before still listens on") {
  Deploying f;
  const Listener web;
  f.deployments = {running("app", {expose_as("web", web.port())})};
  f.deployments[0].id = "id-before";
  const auto answer = body_of(f.deploy({expose_as("web", web.port())}));
  CHECK(answer.at("status") == "running");
  CHECK(answer.at("urls") == Json::array({"https://web." + kHostname + "/"}));
}

TEST_CASE("a redeployment that does not listen is not public, although the one before was") {
  Deploying f(impatient());
  f.waits = true;
  const Listener web;
  const Listener elsewhere;
  f.deployments = {running("app", {expose_as("web", web.port())})};
  f.deployments[0].id = "id-before";
  f.deployments[0].listeners = {{"127.0.0.1", web.port()}};
  REQUIRE(f.run(f.exposer.sync()).has_value());
  std::string missing = "port " + std::to_string(web.port()) + " does not answer";
  f.after_deploy.listeners.emplace();
  SUBCASE("nowhere") {}
  SUBCASE("on another port, which is named") {
    f.after_deploy.listeners = {{"0.0.0.0", elsewhere.port()}, {"::", elsewhere.port()}};
    missing += "; it listens on " + std::to_string(elsewhere.port());
  }
  const auto listeners = f.after_deploy.listeners;
  f.on_deploy = [&] { f.deployments.back().listeners = listeners; };
  const auto answer = body_of(f.deploy({expose_as("web", web.port())}));
  CHECK(answer.at("status") == "deploying");
  CHECK(answer.at("urls").empty());
  CHECK(answer.at("warnings").at(0) == "not public yet: " + missing);
}

TEST_CASE("a runtime that cannot wait is asked what it has, after pauses") {
  Deploying f;
  SilentPort web;
  int looks = 0;
  f.on_list = [&] {
    if (++looks == 6) web.listen();
  };
  const auto begun = std::chrono::steady_clock::now();
  CHECK(body_of(f.deploy({expose_as("web", web.port())})).at("status") == "running");
  CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(25 + 50));
  f.runtime_calls.clear();
  f.deployments.clear();
  CHECK(body_of(f.deploy({})).at("status") == "running");
  CHECK(std::ranges::find(f.runtime_calls, "wait") == f.runtime_calls.end());  // asked once, and known since
}

TEST_CASE("of two deploys of one app at the same time one comes to run, and the other is told which") {
  Deploying f;
  f.after_deploy = running("app");
  f.after_deploy.status = DeploymentStatus::deploying;
  f.after_deploy.id = "id-first";
  f.on_deploy = [&] {
    f.after_deploy.id = "id-second";
    f.after_deploy.status = DeploymentStatus::running;
  };
  const test::RouteCall call{"POST", "/deploy", test::bearer(kOwnerPat), R"({"app_name":"app","cmd":["hello"]})"};
  const auto first = test::start(f.io, test::answer_of(f.router, call));
  const auto second = body_of(f.run(test::answer_of(f.router, call)));
  CHECK(second.at("id") == "id-second");
  CHECK(second.at("status") == "running");
  CHECK(second.at("ready") == true);
  while (!first->result) f.io.run_one();
  const auto before = body_of(*first->result);
  CHECK(before.at("id") == "id-first");
  CHECK(before.at("status") == "stopped");
  CHECK(before.at("ready") == false);
  CHECK(before.at("reason") == "deployment id-second took its place");
  CHECK(std::ranges::find(f.runtime_calls, "redeploy") == f.runtime_calls.end());
}

TEST_CASE("of deploys with one label or one port at the same time, one is let in") {
  Deploying f(impatient());
  const SilentPort silent;
  const SilentPort other;
  std::string reason;
  SUBCASE("label") { reason = "label_in_use"; }
  SUBCASE("port") { reason = "port_in_use"; }
  f.after_deploy = running("");
  f.on_deploy = [&f] {
    f.deployments.back().app_name = f.last_asked.at("app_name").get<std::string>();
    f.deployments.back().expose = expose_from(f.last_asked.at("expose"), "$", 1).value();
  };
  std::vector<test::RouteCall> calls;
  for (int i = 0; i < 6; ++i) {
    const auto number = std::to_string(i);
    const auto exposed = reason == "label_in_use" ? expose_as("web", i == 0 ? silent.port() : other.port())
                                                  : expose_as("web-" + number, silent.port());
    const Json request = {
        {"app_name", "app-" + number}, {"cmd", {"hello"}}, {"expose", Json::array({dd::to_json_value(exposed)})}};
    calls.push_back({"POST", "/deploy", test::bearer(kOwnerPat), to_text(request)});
  }
  std::vector<Error> refusals;
  CHECK(granted_of(f.io, f.router, std::move(calls), &refusals) == 1);
  for (const auto& refusal : refusals) CHECK(refusal.reason == reason);
}

TEST_CASE("a quarantined agent says that its host names wait, until the control plane says otherwise") {
  Deploying f;
  const Listener web;
  f.deployments = {running("app", {expose_as("web", web.port())})};
  f.deployments[0].id = "id-before";
  const auto warned = [](const Json& answer) {
    return answer.at("warnings").dump().find("quarantine") != std::string::npos;
  };
  f.quarantined = true;
  CHECK(warned(body_of(f.deploy({expose_as("web", web.port())}))));
  f.quarantined = false;
  while (f.exposer.quarantined()) REQUIRE(f.run(f.exposer.sync()).has_value());
  f.deployments.back().id = "id-again";
  CHECK_FALSE(warned(body_of(f.deploy({expose_as("web", web.port())}))));
}

TEST_CASE("the URL of a port says how it is reached") {
  Deploying f;
  SilentPort web;
  SilentPort database;
  f.on_deploy = [&] {
    web.listen();
    database.listen();
  };
  const auto urls =
      body_of(f.deploy({expose_as("web", web.port()), expose_as("db", database.port(), ServiceProtocol::tcp)}))
          .at("urls");
  CHECK(urls == Json::array({"https://web." + kHostname + "/", "tcp://db." + kHostname}));
}

TEST_CASE("when the wait is over the answer says what is missing") {
  Deploying f(impatient());
  SUBCASE("it has not started") {
    const auto answer = body_of(f.deploy({}, DeploymentStatus::deploying));
    CHECK(answer.at("status") == "deploying");
    CHECK(answer.at("warnings").at(0) == "not public yet: it has not started yet");
  }
  SUBCASE("a port does not answer") {
    const SilentPort silent;
    const auto answer = body_of(f.deploy({expose_as("web", silent.port())}));
    CHECK(answer.at("status") == "deploying");
    CHECK(answer.at("hostnames").empty());
    CHECK(answer.at("warnings").at(0) == "not public yet: port " + std::to_string(silent.port()) + " does not answer");
  }
  f.options.deploy_wait = std::chrono::milliseconds(300);
  SUBCASE("the control plane cannot be reached") {
    SilentPort web;
    f.on_deploy = [&web] { web.listen(); };
    f.cp("POST /ingress/replace",
         [](const HttpRequest&) { return fail(ErrorCode::unavailable, "cannot connect to the control plane"); });
    const auto warning = body_of(f.deploy({expose_as("web", web.port())})).at("warnings").at(0).get<std::string>();
    CHECK(warning.find("cannot connect to the control plane") != std::string::npos);
  }
  SUBCASE("the agent is not registered") {
    SilentPort web;
    f.on_deploy = [&web] { web.listen(); };
    f.state.membership.reset();
    const auto warning = body_of(f.deploy({expose_as("web", web.port())})).at("warnings").at(0).get<std::string>();
    CHECK(warning.find("not registered") != std::string::npos);
  }
}

TEST_CASE("a deployment that ends is reported as what it became") {
  Deploying f;
  const SilentPort silent;
  const auto exited = body_of(f.deploy({expose_as("web", silent.port())}, DeploymentStatus::exited));
  CHECK(exited.at("status") == "exited");
  CHECK(exited.at("ready") == false);
  CHECK(exited.at("settled") == true);
  CHECK(exited.at("reason") == "it exited with status 0 before its ports answered");
  CHECK(exited.at("last_lines") == Json::array({"tail 20"}));
  f.deployments.clear();
  const auto completed = body_of(f.deploy({}, DeploymentStatus::completed));
  CHECK(completed.at("ready") == true);
  CHECK(completed.at("warnings").empty());
  f.deployments.clear();
  f.after_deploy.error_message = "no such file";
  check_error(f.deploy({}, DeploymentStatus::failed), ErrorCode::invalid_argument, "start_failed");
}

TEST_CASE("unknown members are warned about by name") {
  Deploying f;
  f.after_deploy = running("app");
  const auto answer = body_of(f.call("POST", "/deploy", R"({"app_name":"app","cmd":["hello"],"replicas":3})"));
  CHECK(answer.at("warnings") == Json::array({"unknown member replicas was ignored"}));
}

TEST_CASE("logs take a number of lines that makes sense") {
  Deploying f;
  f.deployments = {running("app")};
  CHECK(body_of(f.call("GET", "/logs/app")).at("lines").at(0) == "tail 100");
  CHECK(body_of(f.call("GET", "/logs/app?tail=10000")).at("lines").at(0) == "tail 10000");
  for (const std::string tail : {"0", "-1", "10001", "", "x", "5x", "99999999999999999999"}) {
    CAPTURE(tail);
    f.check_refused_query("tail=" + tail, "tail");
  }
  check_error(f.call("GET", "/logs/nothing"), ErrorCode::not_found, "");
}

TEST_CASE("logs say where their lines stand, and go on from a number") {
  Deploying f;
  f.deployments = {running("app")};
  CHECK(body_of(f.call("GET", "/logs/app")).at("first") == 7);
  const auto page = body_of(f.call("GET", "/logs/app?from=12&tail=5"));
  CHECK(page.at("first") == 12);
  CHECK(page.at("next") == 13);
  CHECK(page.at("lines").at(0) == "tail 5");
  for (const std::string from : {"-1", "", "x", "9007199254740993"}) {
    CAPTURE(from);
    f.check_refused_query("from=" + from, "from");
  }
}

TEST_CASE("logs are those of the deployment that runs, and others by name") {
  Deploying f;
  auto failed = running("app");
  failed.id = "id-failed";
  failed.status = DeploymentStatus::failed;
  f.deployments = {running("app"), failed};
  CHECK(body_of(f.call("GET", "/logs/app")).at("id") == "id-app");
  CHECK(body_of(f.call("GET", "/logs/app?previous=false")).at("id") == "id-app");
  CHECK(body_of(f.call("GET", "/logs/app?previous=true")).at("id") == "id-failed");
  CHECK(body_of(f.call("GET", "/logs/app?id=id-failed&tail=1")).at("id") == "id-failed");
  check_error(f.call("GET", "/logs/app?id=id-other"), ErrorCode::not_found, "", "id-other");
  for (const std::string query : {"previous=1", "previous=", "previous=true&id=id-app"}) {
    CAPTURE(query);
    f.check_refused_query(query, "previous");
  }
}

TEST_CASE("a restart is what runs once more, or what ran last") {
  Deploying f;
  Listener web;
  f.deployments = {running("app", {expose_as("web", web.port())})};
  SUBCASE("runs") {}
  SUBCASE("was stopped") {
    f.deployments[0].status = DeploymentStatus::stopped;
    web.close();
  }
  f.on_redeploy = [&f] { f.deployments[0].status = DeploymentStatus::stopped; };
  const auto answer = body_of(f.call("POST", "/deployments/app/restart?wait=0"));
  CHECK(answer.at("id") == "id-again");
  CHECK(f.deployments.back().rollback_of.empty());
  CHECK_FALSE(answer.contains("replaced"));
}

TEST_CASE("a rollback goes to the newest that is over and was good") {
  Deploying f;
  const Listener web;
  const auto with_id = [&](const std::string& id, DeploymentStatus status) {
    auto info = running("app", {expose_as("web", web.port())});
    info.id = id;
    info.status = status;
    f.deployments.push_back(info);
  };
  with_id("id-older", DeploymentStatus::stopped);
  with_id("id-good", DeploymentStatus::stopped);
  with_id("id-failed", DeploymentStatus::failed);
  with_id("id-now", DeploymentStatus::running);
  f.deployments.push_back(running("other"));
  f.on_redeploy = [&f] { f.deployments[3].status = DeploymentStatus::stopped; };
  const auto answer = body_of(f.call("POST", "/deployments/app/rollback"));
  CHECK(answer.at("ready") == true);
  CHECK(answer.at("rollback_of") == "id-now");
  CHECK(answer.at("replaced") == "id-now");
  const auto asked = std::ranges::find(f.runtime_calls, "redeploy");
  CHECK(asked != f.runtime_calls.end());
  CHECK(f.redeployed == "id-good");
}

TEST_CASE("a rollback goes to other bytes than those that run, and to none that were rolled back from") {
  Deploying f;
  const auto add = [&f](const std::string& id, DeploymentStatus status, const std::string& repeats = "",
                        const std::string& rollback_of = "") {
    auto info = running("app");
    info.id = id;
    info.status = status;
    info.repeats = repeats;
    info.rollback_of = rollback_of;
    f.deployments.push_back(info);
  };
  add("id-1", DeploymentStatus::stopped);
  SUBCASE("after a restart") {
    add("id-2", DeploymentStatus::stopped);
    add("id-3", DeploymentStatus::running, "id-2");
  }
  SUBCASE("after a rollback") {
    add("id-2", DeploymentStatus::stopped);
    add("id-bad", DeploymentStatus::stopped);
    add("id-3", DeploymentStatus::running, "id-2", "id-bad");
  }
  REQUIRE(f.call("POST", "/deployments/app/rollback?wait=0").has_value());
  CHECK(f.redeployed == "id-1");
}

TEST_CASE("a restart of what does not run takes what ran last, not what failed to start") {
  Deploying f;
  auto failed = running("app");
  failed.id = "id-failed";
  failed.status = DeploymentStatus::failed;
  f.deployments = {running("app"), failed};
  f.deployments[0].status = DeploymentStatus::stopped;
  REQUIRE(f.call("POST", "/deployments/app/restart?wait=0").has_value());
  CHECK(f.redeployed == "id-app");
}

TEST_CASE("without anything to go back to a rollback says so, and the platform's are not started again") {
  Deploying f;
  f.deployments = {running("app"), running("greeter")};
  f.deployments[1].boot = true;
  check_error(f.call("POST", "/deployments/app/rollback"), ErrorCode::not_found, "", "no earlier deployment");
  check_error(f.call("POST", "/deployments/nothing/restart"), ErrorCode::not_found, "");
  check_error(f.call("POST", "/deployments/greeter/restart"), ErrorCode::conflict, "reserved_name");
  check_error(f.call("POST", "/deployments/greeter/stop"), ErrorCode::conflict, "reserved_name", "cannot stop");
  check_error(f.call("POST", "/deployments/app/restart?wait=91s"), ErrorCode::invalid_argument, "", "90 s");
}

TEST_CASE("what is started again takes nothing that others hold by now") {
  Deploying f;
  const SilentPort silent;
  auto stopped = running("app", {expose_as("web", silent.port())});
  stopped.status = DeploymentStatus::stopped;
  f.deployments = {stopped, running("other", {expose_as("web", 7003)})};
  check_error(f.call("POST", "/deployments/app/restart"), ErrorCode::conflict, "label_in_use", "other");
}

TEST_CASE("what the runtime refuses is passed on") {
  Deploying f;
  f.runtime_refusal = Json{{"ok", false}, {"error", "cannot list: busy"}, {"code", "unavailable"}};
  check_error(f.deploy({}), ErrorCode::unavailable, "", "busy");
  check_error(f.call("GET", "/deployments"), ErrorCode::unavailable, "");
  check_error(f.call("DELETE", "/deployments/app"), ErrorCode::unavailable, "");
}

TEST_CASE("a redeploy runs beside what serves, and takes the place of what is only under way") {
  const auto overlap_beside = [](DeploymentStatus status) {
    Deploying f(impatient());
    auto before = running("app", {expose_as("web", 20001)});
    before.id = "id-before";
    before.status = status;
    f.deployments = {before};
    f.after_deploy = running("app", {expose_as("web", 20002)});
    std::optional<bool> overlap;
    f.on_deploy = [&] { overlap = f.last_asked.value("overlap", false); };
    const Json request = {{"app_name", "app"}, {"cmd", {"hello"}}, {"expose", {{"hostname_label", "web"}}}};
    REQUIRE(f.call("POST", "/deploy?wait=0", to_text(request)).has_value());
    return overlap;
  };
  CHECK(overlap_beside(DeploymentStatus::running) == true);
  CHECK(overlap_beside(DeploymentStatus::deploying) == false);
  CHECK(overlap_beside(DeploymentStatus::exited) == false);
}
