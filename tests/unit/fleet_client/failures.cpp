#include <doctest/doctest.h>

#include "tests/unit/fleet_client/fake_fleet.hpp"

using namespace dd;

TEST_CASE("what the fleet says is wrong is said unchanged") {
  FleetUnderTest t;
  t.fleet->answer(
      "POST https://one.dd.example/deploy",
      R"({"code":"conflict","message":"cannot deploy: name is reserved","path":"$.app_name","reason":"reserved_name","request_id":"r"})",
      409);
  const auto deployed = t.client.deploy_text("one.dd.example", "{}");
  REQUIRE_FALSE(deployed.has_value());
  CHECK(deployed.error() ==
        Error{ErrorCode::conflict, "cannot deploy: name is reserved", "$.app_name", "reserved_name"});
}

TEST_CASE("an answer that is none of ours is upstream's") {
  const struct {
    std::string name;
    const char* body;
    int status;
  } cases[] = {
      {"the edge's own page", "<html>error 1033</html>", 530},
      {"a redirect", "", 302},
      {"no JSON", "ok", 200},
      {"no list", "{}", 200},
      {"a list of something else", R"([{"name":"x"}])", 200},
      {"one member twice", R"([{"agent_id":"a","agent_id":"b"}])", 200},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    FleetUnderTest t;
    t.fleet->answer("GET https://app.dd.example/api/agents", c.body, c.status);
    const auto agents = t.client.agents();
    REQUIRE_FALSE(agents.has_value());
    CHECK(agents.error().code == ErrorCode::upstream);
    CHECK(agents.error().message.starts_with("cannot "));
  }
}

TEST_CASE("a field at fault in an answer is named with its place in the list") {
  FleetUnderTest t;
  t.fleet->answer(
      "GET https://one.dd.example/deployments",
      R"({"deployments":[{"id":"1","app_name":"a","status":"running"},{"id":2,"app_name":"a","status":"running"}]})");
  const auto deployments = t.client.deployments("one.dd.example");
  REQUIRE_FALSE(deployments.has_value());
  CHECK(deployments.error().path == "$.deployments[1].id");
}

TEST_CASE("a fleet that is not there is unavailable") {
  FleetUnderTest t;
  t.fleet->answer("GET https://app.dd.example/api/agents", Error{ErrorCode::unavailable, "cannot connect", {}, {}});
  const auto found = t.client.find_agent("one");
  REQUIRE_FALSE(found.has_value());
  CHECK(found.error().code == ErrorCode::unavailable);
}

TEST_CASE("without a credential nothing but health is asked") {
  auto fleet = std::make_shared<FakeFleet>();
  FleetClientOptions options;
  options.cp_url = "https://app.dd.example";
  options.transport = fleet;
  const auto client = FleetClient::create(std::move(options)).value();
  const auto agents = client.agents();
  REQUIRE_FALSE(agents.has_value());
  CHECK(agents.error().code == ErrorCode::unauthenticated);
  CHECK(fleet->requests.empty());
}

TEST_CASE("no error shows the credential") {
  FleetUnderTest t;
  const auto agents = t.client.agents();
  REQUIRE_FALSE(agents.has_value());
  CHECK(agents.error().message.find("ghp_secret") == std::string::npos);
}
