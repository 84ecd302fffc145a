#include "libdd/cp/own_vm.hpp"

#include <doctest/doctest.h>

#include "libdd/net/line_socket.hpp"
#include "libdd/net/target.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/cp/visitors.hpp"

using namespace dd;
using namespace dd::cp;

namespace {

ControlPlaneOptions in_a_vm(const TempDir& dir, Secret token) {
  ControlPlaneOptions options;
  options.enclave_socket = dir.path() / "agent.sock";
  options.enclave_token = std::move(token);
  return options;
}

/// A control plane whose runtime lives in the test.
struct OwnVmFixture {
  explicit OwnVmFixture(Secret token = Secret("token")) : f(in_a_vm(dir, std::move(token))) {
    f.context.attestation_type = "tdx";
    own_vm.add_routes(f.router);
    if (!server.start()) throw std::runtime_error("cannot start the runtime of the test");
  }

  net::Task<std::string> reply(std::string line) {
    const auto asked = parse_json(line).value();
    CHECK(asked.at("token") == "token");
    Json answer = {{"ok", true}};
    if (broken)
      answer = {{"ok", false}, {"error", "no more"}, {"code", "unavailable"}};
    else if (asked.at("method") == "list") {
      answer["deployments"] = Json::array();
      for (const auto& info : deployments) answer["deployments"].push_back(to_json_value(info));
    } else if (asked.at("method") == "logs") {
      answer.update({{"lines", {"<b>of " + asked.at("id").get<std::string>()}}, {"first", 0}, {"next", 1}});
    }
    co_return to_text(answer);
  }
  void runs(std::string id, std::string app_name) {
    DeploymentInfo info;
    info.id = std::move(id);
    info.app_name = std::move(app_name);
    info.status = DeploymentStatus::running;
    deployments.push_back(std::move(info));
  }

  TempDir dir;
  Visitors f;
  std::vector<DeploymentInfo> deployments;
  bool broken = false;
  net::LineServer server{f.io.get_executor(), [this](std::string line, net::Peer) { return reply(std::move(line)); },
                         server_options()};
  [[nodiscard]] net::LineServerOptions server_options() const {
    net::LineServerOptions options;
    options.path = f.options.enclave_socket;
    return options;
  }
  OwnVm own_vm{f.context, f.people};
};

}  // namespace

TEST_CASE("the control plane's VM shows what runs in it, and the last log of a name") {
  OwnVmFixture vm;
  vm.runs("id-1", "dd-cp");
  vm.runs("id-2", "a<b");
  vm.runs("id-3", "dd-cp");
  const auto browser = vm.f.signed_in();
  const auto home = vm.f.get(browser, "/agent/control-plane");
  REQUIRE(home.has_value());
  CHECK(home->status == 200);
  for (const auto* part : {"dd-test-cp", "/agent/control-plane/logs/dd-cp", "logs/a%3Cb", "a&lt;b", "/cp/shell"}) {
    CAPTURE(part);
    CHECK(contains(home->body, part));
  }
  CHECK_FALSE(contains(home->body, "SIMULATED"));
  const auto log = vm.f.get(browser, "/agent/control-plane/logs/dd-cp");
  REQUIRE(log.has_value());
  CHECK(contains(log->body, "&lt;b&gt;of id-3"));
  CHECK(contains(log->body, "data-log=\"/api/control-plane/logs/dd-cp\""));
  const auto lines = vm.f.as_owner("GET", "/api/control-plane/logs/dd-cp");
  CHECK(body_of(lines).at("lines") == Json{"<b>of id-3"});
  CHECK(body_of(vm.f.as_owner("GET", "/api/control-plane/deployments")).at("deployments").size() == 3);
}

TEST_CASE("what is not there and what the runtime refuses is said with its status") {
  OwnVmFixture vm;
  const auto browser = vm.f.signed_in();
  CHECK(vm.f.get(browser, "/agent/control-plane/logs/nobody").value().status == 404);
  CHECK(vm.f.as_owner("GET", "/api/control-plane/logs/nobody").error().code == ErrorCode::not_found);
  vm.broken = true;
  const auto home = vm.f.get(browser, "/agent/control-plane");
  REQUIRE(home.has_value());
  CHECK(home->status == 503);
  CHECK(contains(home->body, "no more"));
  CHECK(vm.f.as_owner("GET", "/api/control-plane/deployments").error().code == ErrorCode::unavailable);
}

TEST_CASE("the control plane's VM is the owner's") {
  OwnVmFixture vm;
  for (const auto* page : {"/agent/control-plane", "/agent/control-plane/logs/dd-cp", "/cp/shell"}) {
    CAPTURE(page);
    CHECK(vm.f.get({}, page).value().status == 303);
    CHECK(vm.f.ask("GET", page, test::bearer(kStrangerPat)).value().status == 403);
  }
  for (const auto& [method, path] :
       {std::pair("GET", "/api/control-plane/deployments"), std::pair("GET", "/api/control-plane/logs/dd-cp"),
        std::pair("POST", "/cp/shell/ticket")}) {
    CAPTURE(path);
    CHECK(vm.f.ask(method, path).error().code == ErrorCode::unauthenticated);
    CHECK(vm.f.ask(method, path, test::bearer(kStrangerPat)).error().code == ErrorCode::permission_denied);
    CHECK(vm.f.as_owner(method, path).has_value() == !contains(path, "logs"));
  }
}

TEST_CASE("without the runtime's token there is a page that says so, and nothing else") {
  OwnVmFixture vm{Secret()};
  const auto home = vm.f.get(vm.f.signed_in(), "/agent/control-plane");
  REQUIRE(home.has_value());
  CHECK(home->status == 404);
  CHECK(contains(home->body, "inherit_token"));
  for (const auto* path :
       {"/agent/control-plane/logs/dd-cp", "/cp/shell", "/cp/ws/shell", "/api/control-plane/deployments"})
    CHECK(vm.f.router.match("GET", path).route == nullptr);
  CHECK(vm.f.router.match("POST", "/cp/shell/ticket").route == nullptr);
}
