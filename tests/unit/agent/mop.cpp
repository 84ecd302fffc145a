// DELETE /deployments/{app} and POST /deployments/{app}/stop.
#include <algorithm>

#include <doctest/doctest.h>

#include "tests/unit/agent/deploying.hpp"
#include "tests/unit/agent/listener.hpp"

using namespace dd;
using namespace dd::agent;
using namespace dd::test;

TEST_CASE("a stop is a mop that says so") {
  Deploying f;
  f.deployments = {running("app")};
  CHECK(body_of(f.call("POST", "/deployments/app/stop")).at("id") == "id-app");
  CHECK(f.deployments[0].status == DeploymentStatus::stopped);
}

TEST_CASE("mop ends whatever lives of that app, also behind a redeploy that failed") {
  Deploying f;
  SilentPort web;
  f.on_deploy = [&web] { web.listen(); };
  REQUIRE(f.deploy({expose_as("web", web.port())}).has_value());
  auto fetching = running("app", {expose_as("web", web.port())});
  fetching.id = "id-fetching";
  fetching.status = DeploymentStatus::deploying;
  auto failed = fetching;
  failed.id = "id-failed";
  failed.status = DeploymentStatus::failed;
  f.deployments.insert(f.deployments.end(), {fetching, failed, running("other")});
  f.runtime_calls.clear();
  const auto answer = body_of(f.call("DELETE", "/deployments/app"));
  CHECK(answer.at("id") == "id-app");
  CHECK(answer.at("hostnames") == Json::array({"web." + kHostname}));
  CHECK(std::ranges::count(f.runtime_calls, "stop") == 2);
  CHECK(f.deployments[0].status == DeploymentStatus::stopped);
  CHECK(f.deployments[1].status == DeploymentStatus::stopped);
  CHECK(f.deployments[3].status == DeploymentStatus::running);
  CHECK(f.published.back().empty());
}

TEST_CASE("what ends by itself while it is mopped does not keep the rest alive") {
  Deploying f;
  auto next = running("app");
  next.id = "id-next";
  f.deployments = {running("app"), next};
  f.on_stop = [&f] { f.deployments[0].status = DeploymentStatus::stopped; };
  REQUIRE(f.call("DELETE", "/deployments/app").has_value());
  CHECK(f.deployments[1].status == DeploymentStatus::stopped);
}

TEST_CASE("mop takes the host name away and names it, once") {
  Deploying f;
  SilentPort web;
  f.on_deploy = [&web] { web.listen(); };
  REQUIRE(f.deploy({expose_as("web", web.port())}).has_value());
  const auto answer = body_of(f.call("DELETE", "/deployments/app"));
  CHECK(answer.at("hostnames") == Json::array({"web." + kHostname}));
  CHECK(f.published.back().empty());
  f.runtime_calls.clear();
  CHECK(body_of(f.call("DELETE", "/deployments/app")).at("hostnames").empty());
  CHECK(std::ranges::find(f.runtime_calls, "stop") == f.runtime_calls.end());
}

TEST_CASE("a boot workload is not mopped, and what was never there is not found") {
  Deploying f;
  f.deployments = {running("greeter")};
  f.deployments[0].boot = true;
  check_error(f.call("DELETE", "/deployments/greeter"), ErrorCode::conflict, "reserved_name");
  check_error(f.call("DELETE", "/deployments/app"), ErrorCode::not_found, "");
  CHECK(f.deployments[0].status == DeploymentStatus::running);
}

TEST_CASE("a mop that the control plane does not hear of says that the process is gone") {
  Deploying f;
  SilentPort web;
  f.on_deploy = [&web] { web.listen(); };
  REQUIRE(f.deploy({expose_as("web", web.port())}).has_value());
  f.cp("POST /ingress/replace", [](const HttpRequest&) { return fail(ErrorCode::unavailable, "cannot connect"); });
  check_error(f.call("DELETE", "/deployments/app"), ErrorCode::unavailable, "", "it is stopped");
  CHECK(f.deployments[0].status == DeploymentStatus::stopped);
}
