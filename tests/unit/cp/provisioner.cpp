#include "libdd/cp/provisioner.hpp"

#include <algorithm>
#include <chrono>

#include <doctest/doctest.h>

#include "libdd/net/deadline.hpp"
#include "tests/unit/cp/room.hpp"
#include "tests/unit/cp/sample_record.hpp"

using namespace dd;
using namespace dd::cp;

namespace {

AgentRecord new_agent(Room& room) {
  auto record = sample_record(room.provisioner.new_agent_id(), "vm-1");
  record.hostname = room.provisioner.hostname_of(record.agent_id);
  record.tunnel_id.clear();
  return record;
}

std::size_t journalled(const Room& room) { return room.registry->tables["tunnel_journal"].size(); }

}  // namespace

TEST_CASE("an agent gets a tunnel that routes its own host and what it exposes") {
  Room f;
  auto record = new_agent(f);
  const auto token = f.run(f.provisioner.provision(record));
  REQUIRE(token.has_value());
  CHECK(token->reveal() == "token of " + record.agent_id);
  CHECK(record.tunnel_id == FakeTunnels::id_of(record.agent_id));
  const std::vector<std::string> hosts{"web." + record.hostname, "db." + record.hostname, record.hostname};
  CHECK(f.tunnels.routed(record.agent_id) == hosts);
  CHECK(f.tunnels.dns[record.agent_id] == hosts);
  CHECK(f.provisioner.extra_hostnames(record).value().size() == 2);
}

TEST_CASE("workloads stand under a domain of their own where there is one, but for agents that make the names up") {
  Room f;
  Provisioner provisioner(f.store, f.tunnels, system_random(), f.fleet_key,
                          {"test", "dd.example", IngressStyle::nested, "dd-apps.example"});
  auto record = new_agent(f);
  REQUIRE(f.run(provisioner.provision(record)).has_value());
  const auto own = record.agent_id + ".dd-apps.example";
  const std::vector<std::string> hosts{"web." + own, "db." + own, record.hostname};
  CHECK(f.tunnels.routed(record.agent_id) == hosts);
  CHECK(f.tunnels.dns[record.agent_id] == hosts);
  CHECK(provisioner.extra_hostnames(record).value() == std::vector<std::string>{"web." + own, "db." + own});
  record.compat = true;
  CHECK(provisioner.extra_hostnames(record).value().front() == "web." + record.hostname);
}

TEST_CASE("the tunnel's name is journalled before Cloudflare hears it, until the agent is saved") {
  Room f;
  auto record = new_agent(f);
  SUBCASE("and nothing is created when it cannot be") {
    f.registry->read_only = Error{ErrorCode::unavailable, "cannot write the registry: disk full", {}, {}};
    CHECK_FALSE(f.run(f.provisioner.provision(record)).has_value());
    CHECK(f.tunnels.calls.empty());
  }
  SUBCASE("and stays journalled without an agent") {
    REQUIRE(f.run(f.provisioner.provision(record)).has_value());
    CHECK(journalled(f) == 1);
    REQUIRE(f.run(f.store.save(record)).has_value());
    CHECK(journalled(f) == 0);
  }
}

TEST_CASE("ingress and DNS records are asked for at once") {
  Room f;
  auto record = new_agent(f);
  // Each of the two waits until the other was begun, and gives up so that a failure ends.
  const net::Deadline patience(std::chrono::seconds(20));
  const auto begun = [&f](const char* call) {
    return std::ranges::find(f.tunnels.calls, call) != f.tunnels.calls.end();
  };
  bool both = false;
  f.tunnels.before_put = [&]() -> net::Task<void> {
    const std::chrono::milliseconds pause(1);
    while (!(both = begun("put_ingress") && begun("put_dns")) && !patience.over()) co_await net::sleep_for(pause);
  };
  CHECK(f.run(f.provisioner.provision(record)).has_value());
  CHECK(both);
}

TEST_CASE("a step that fails takes back what was made before it") {
  for (const std::string step : {"ensure", "put_ingress", "put_dns", "run_token"}) {
    CAPTURE(step);
    Room f;
    auto record = new_agent(f);
    f.tunnels.failing = {step};
    const auto made = f.run(f.provisioner.provision(record));
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().code == ErrorCode::unavailable);
    CHECK(f.tunnels.names.empty());
    CHECK(f.tunnels.dns.empty());
    CHECK(journalled(f) == 1);  // for what may come late
  }
}

TEST_CASE("a tunnel that was made although the answer was lost is taken back too") {
  Room f;
  auto record = new_agent(f);
  f.tunnels.lose_answer = true;
  REQUIRE_FALSE(f.run(f.provisioner.provision(record)).has_value());
  CHECK(f.tunnels.names.empty());
}

TEST_CASE("an agent that is there already keeps its tunnel when provisioning fails") {
  Room f;
  auto record = new_agent(f);
  REQUIRE(f.run(f.provisioner.provision(record)).has_value());
  REQUIRE(f.run(f.store.save(record)).has_value());
  f.tunnels.failing = {"run_token"};
  REQUIRE_FALSE(f.run(f.provisioner.provision(record)).has_value());
  CHECK(f.tunnels.names.contains(record.agent_id));
  CHECK(journalled(f) == 0);
}

TEST_CASE("quarantine routes the agent's own host alone and leaves DNS") {
  Room f;
  auto record = new_agent(f);
  REQUIRE(f.run(f.provisioner.provision(record)).has_value());
  REQUIRE(f.run(f.provisioner.shrink(record)).has_value());
  CHECK(f.tunnels.routed(record.agent_id) == std::vector<std::string>{record.hostname});
  CHECK(f.tunnels.dns[record.agent_id].size() == 3);
}

TEST_CASE("only a tunnel with this fleet's mark is ever removed") {
  Room f;
  Provisioner other(f.store, f.tunnels, system_random(), Bytes(32, std::byte{1}), {"test", "dd.example", {}});
  Provisioner elsewhere(f.store, f.tunnels, system_random(), f.fleet_key, {"prod", "dd.example", {}});
  const std::string names[] = {other.new_agent_id(), elsewhere.new_agent_id(), "dd-test-agent-1",
                               f.provisioner.new_agent_id() + "0"};
  for (const auto& name : names) {
    CAPTURE(name);
    const auto removed = f.run(f.provisioner.remove(sample_record(name, "vm-1")));
    REQUIRE_FALSE(removed.has_value());
    CHECK(removed.error().code == ErrorCode::permission_denied);
  }
  CHECK(f.tunnels.calls.empty());
}

TEST_CASE("an agent without a tunnel has nothing to remove") {
  Room f;
  CHECK(f.run(f.provisioner.remove(new_agent(f))).has_value());
  CHECK(f.tunnels.calls.empty());
}

TEST_CASE("the list of our tunnels leaves out names without this fleet's mark") {
  Room f;
  Provisioner other(f.store, f.tunnels, system_random(), Bytes(32, std::byte{1}), {"test", "dd.example", {}});
  const auto ours = f.provisioner.new_agent_id();
  f.tunnels.names = {ours, other.new_agent_id(), "dd-test-agent-1"};
  const auto listed = f.run(f.provisioner.list());
  REQUIRE(listed.has_value());
  REQUIRE(listed->size() == 1);
  CHECK(listed->front().name == ours);
}
