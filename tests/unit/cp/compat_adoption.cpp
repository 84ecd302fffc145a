#include "libdd/cp/compat_adoption.hpp"

#include <doctest/doctest.h>

#include "tests/support/check_error.hpp"
#include "tests/unit/cp/seed_room.hpp"

using namespace dd;
using namespace dd::cp;
using namespace dd::test;

namespace {

const std::string kLeft = "dd-test-agent-0a1b2c3d-0000-4000-8000-000000000001";  // a name without our mark

/// An agent whose tunnel was made by the control plane before this one.
struct Left : Seed {
  CompatAdoption adoption{context};
  AdoptedTunnel tunnel{kLeft, FakeTunnels::id_of(kLeft)};

  explicit Left(ControlPlaneOptions base = with_compat()) : Seed(std::move(base)) {
    tunnels.names.insert(kLeft);
    health["extra_ingress"] = Json::array({{{"hostname_label", "web"}, {"port", 9000}},
                                           {{"hostname_label", ""}, {"port", 9001}},
                                           {{"hostname_label", "web"}, {"port", 9003}},
                                           {{"hostname_label", "none"}, {"port", 0}},
                                           7});
    answers(kLeft);
  }
  Result<void> adopt() { return run(adoption.adopt(tunnel)); }
};

}  // namespace

TEST_CASE("an agent that an earlier control plane has left is polled from then on, with what it has published") {
  Left f;
  f.tunnels.calls.clear();
  REQUIRE(f.adopt().has_value());
  CHECK(f.tunnels.calls == std::vector<std::string>{"find"});  // nothing there is changed
  const auto record = f.kept(kLeft);
  CHECK(record.compat);
  CHECK(record.adopted);
  CHECK(record.status == AgentStatus::healthy);
  CHECK(record.vm_name == "vm-seed");
  CHECK(record.hostname == kLeft + ".dd.example");
  CHECK(record.tunnel_id == f.tunnel.id);
  CHECK(record.extras == std::vector<Expose>{{"web", 9000, ServiceProtocol::http}});
  f.answers(kLeft);
  f.clock.advance(std::chrono::seconds(30));
  f.run(f.poller.round());
  CHECK(f.kept(kLeft).status == AgentStatus::healthy);
  CHECK(f.kept(kLeft).last_seen == f.clock.unix_seconds());

  const Json extras = Json::array({{{"hostname_label", "api"}, {"port", 9002}}});
  REQUIRE(f.call("POST", "/ingress/replace", {{"agent_id", kLeft}, {"extras", extras}}).has_value());
  CHECK(f.tunnels.routed(kLeft) == std::vector<std::string>{"api." + kLeft + ".dd.example", kLeft + ".dd.example"});
}

TEST_CASE("an agent that was taken over is dropped like others, its tunnel too, and not taken over twice") {
  Left f;
  REQUIRE(f.adopt().has_value());
  REQUIRE(f.as_owner("POST", "/api/agents/" + kLeft + "/revoke", "{}").has_value());
  CHECK(f.tunnels.names.empty());
  f.tunnels.names.insert(kLeft);
  CHECK(f.adopt().has_value());
  CHECK(f.kept(kLeft).status == AgentStatus::dropped);
}

TEST_CASE("who is not taken over, and why") {
  Left f;
  ErrorCode code = ErrorCode::invalid_argument;
  SUBCASE("another tunnel has the name") {
    f.tunnel.id = "id of another";
    code = ErrorCode::not_found;
  }
  SUBCASE("the tunnel is gone") {
    f.tunnels.names.clear();
    code = ErrorCode::not_found;
  }
  SUBCASE("a VM that is not listed") { f.health["vm_name"] = "vm-9"; }
  SUBCASE("a VM that was revoked") { f.must(f.store.deny("compat:vm-seed", "lost")); }
  SUBCASE("a VM that has registered with attestation") {
    Vm vm(f, "vm-seed");
    vm.join();
    REQUIRE(f.as_owner("POST", "/api/agents/" + vm.agent_id + "/revoke", "{}").has_value());
  }
  SUBCASE("a VM whose name another agent holds") {
    f.enrolled();
    code = ErrorCode::conflict;
  }
  SUBCASE("it does not answer now") {
    f.agents.clear();
    code = ErrorCode::unavailable;
  }
  SUBCASE("its token has run out") {
    f.clock.advance(std::chrono::seconds(400));
    code = ErrorCode::unavailable;
  }
  SUBCASE("Cloudflare does not answer now") {
    f.tunnels.failing = {"find"};
    code = ErrorCode::unavailable;
  }
  check_error(f.adopt(), code, "");
  CHECK(f.store.find(kLeft) == nullptr);
}

TEST_CASE("one that does not answer is asked again until it is taken over or refused") {
  ControlPlaneOptions options = with_compat();
  options.poll_interval = std::chrono::milliseconds(1);
  options.compat_tunnels = {kLeft + "=0a1b2c3d-1111-4000-8000-00000000000a"};
  Left f(std::move(options));
  f.tunnels.failing = {"find"};
  auto ended = [](CompatAdoption& one) -> net::Task<bool> {
    co_await one.run();
    co_return true;
  };
  const auto running = start(f.io, ended(f.adoption));
  f.io.restart();
  while (std::ranges::count(f.tunnels.calls, "find") < 3) f.io.run_one();
  SUBCASE("refused: the edge of the test has another id") { f.tunnels.failing.clear(); }
  SUBCASE("stopped") { f.adoption.stop(); }
  CHECK(finish(f.io, running));
  CHECK(f.store.find(kLeft) == nullptr);
}

TEST_CASE("a tunnel that is taken over is an agent's name of this fleet and an id") {
  const auto id = std::string("0a1b2c3d-1111-4000-8000-00000000000a");
  CHECK(adopted_tunnels({kLeft + "=" + id}, "test").value() == std::vector<AdoptedTunnel>{{kLeft, id}});
  CHECK(adopted_tunnels({}, "test").value().empty());
  for (const auto& entry : {kLeft, kLeft + "=", kLeft + "=x", "=" + id, "dd-prod-agent-1=" + id, "dd-test-cp-1=" + id,
                            "dd-test-agent-A=" + id, kLeft + "=" + id + "=" + id, std::string()}) {
    CAPTURE(entry);
    check_error(adopted_tunnels({entry}, "test"), ErrorCode::invalid_argument, "");
  }
}
