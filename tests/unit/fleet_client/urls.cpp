#include <doctest/doctest.h>

#include "tests/unit/fleet_client/fake_fleet.hpp"

using namespace dd;

TEST_CASE("agents are reached with the control plane's scheme and the port of the control plane or the edge") {
  const struct {
    std::string name;
    const char* cp_url;
    const char* edge_url;
    const char* cp_call;
    const char* agent_call;
  } cases[] = {
      {"production", "https://app.dd.example", "", "https://app.dd.example/health",
       "https://one.dd.example/deployments"},
      {"trailing slash", "https://app.dd.example/", "", "https://app.dd.example/health",
       "https://one.dd.example/deployments"},
      {"upper case", "HTTPS://App.DD.Example", "", "https://app.dd.example/health",
       "https://one.dd.example/deployments"},
      {"default port spelled out", "https://app.dd.example:443", "", "https://app.dd.example/health",
       "https://one.dd.example/deployments"},
      {"own port", "http://app.dd.localhost:9000", "", "http://app.dd.localhost:9000/health",
       "http://one.dd.example:9000/deployments"},
      {"edge's port", "http://app.dd.localhost", "http://127.0.0.1:9000", "http://app.dd.localhost/health",
       "http://one.dd.example:9000/deployments"},
      {"own port before the edge's", "http://app.dd.localhost:9000", "http://127.0.0.1:9001",
       "http://app.dd.localhost:9000/health", "http://one.dd.example:9000/deployments"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    FleetUnderTest t(c.cp_url, c.edge_url);
    (void)t.client.health();
    (void)t.client.deployments("one.dd.example");
    REQUIRE(t.fleet->requests.size() == 2);
    CHECK(t.fleet->requests[0].url == c.cp_call);
    CHECK(t.fleet->requests[1].url == c.agent_call);
  }
}

TEST_CASE("a URL that is no origin is refused before anything is sent") {
  const struct {
    std::string name;
    const char* cp_url;
    const char* edge_url;
  } cases[] = {
      {"nothing", "", ""},
      {"a hostname", "app.dd.example", ""},
      {"another scheme", "ftp://app.dd.example", ""},
      {"a path", "https://app.dd.example/api", ""},
      {"a query", "https://app.dd.example?x", ""},
      {"a password", "https://u:p@app.dd.example", ""},
      {"an edge without scheme", "https://app.dd.example", "127.0.0.1:9000"},
      {"an edge with a path", "https://app.dd.example", "http://127.0.0.1:9000/x"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    FleetClientOptions options;
    options.cp_url = c.cp_url;
    options.edge_url = c.edge_url;
    options.transport = std::make_shared<FakeFleet>();
    const auto client = FleetClient::create(std::move(options));
    REQUIRE_FALSE(client.has_value());
    CHECK(client.error().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("the credential is never sent to what is no plain hostname") {
  for (const std::string hostname : {"", "one.dd.example/x", "one.dd.example:81", "u@evil.example", "One.dd.example",
                                     "one.dd.example?x", "a b", "a#b"}) {
    CAPTURE(hostname);
    FleetUnderTest t;
    const auto deployed = t.client.deploy_text(hostname, "{}");
    REQUIRE_FALSE(deployed.has_value());
    CHECK(deployed.error().code == ErrorCode::invalid_argument);
    CHECK(t.fleet->requests.empty());
  }
}
