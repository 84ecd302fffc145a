#include "libdd/cp/dropper.hpp"

#include <doctest/doctest.h>

#include "tests/unit/cp/room.hpp"
#include "tests/unit/cp/sample_record.hpp"

using namespace dd;
using namespace dd::cp;

namespace {

/// A room with one published agent.
struct Agent : Room {
  AgentRecord record = sample_record(provisioner.new_agent_id(), "vm-1");

  Agent() {
    record.hostname = provisioner.hostname_of(record.agent_id);
    run(provisioner.provision(record)).value();
    must(store.save(record));
  }
  [[nodiscard]] AgentRecord now() const { return kept(record.agent_id); }
};

}  // namespace

TEST_CASE("a dropped agent has no tunnel, no host names and a reason") {
  Agent f;
  REQUIRE(f.run(f.dropper.drop(f.record, "drift: mrtd")).has_value());
  const auto after = f.now();
  CHECK(after.status == AgentStatus::dropped);
  CHECK(after.reason == "drift: mrtd");
  CHECK(after.dropped_at == f.clock.unix_seconds());
  CHECK(after.tunnel_id.empty());
  CHECK(after.extras.empty());
  CHECK(f.tunnels.names.empty());
}

TEST_CASE("nothing is removed before the decision is durable") {
  Agent f;
  f.registry->read_only = Error{ErrorCode::unavailable, "cannot write the registry: disk full", {}, {}};
  f.tunnels.calls.clear();
  CHECK_FALSE(f.run(f.dropper.drop(f.record, "drift")).has_value());
  CHECK(f.tunnels.calls.empty());
  CHECK(f.store.find(f.record.agent_id)->status == AgentStatus::healthy);
}

TEST_CASE("an agent is not quarantined at Cloudflare before that is durable") {
  Agent f;
  f.registry->read_only = Error{ErrorCode::unavailable, "cannot write the registry: disk full", {}, {}};
  f.tunnels.calls.clear();
  CHECK_FALSE(f.run(f.dropper.quarantine(f.record, "silent")).has_value());
  CHECK(f.tunnels.calls.empty());
  CHECK(f.store.find(f.record.agent_id)->status == AgentStatus::healthy);
}

TEST_CASE("an agent whose tunnel cannot be removed now stays dropping, holds no name, and is finished later") {
  Agent f;
  f.tunnels.failing = {"remove"};
  const auto dropped = f.run(f.dropper.drop(f.record, "drift"));
  REQUIRE_FALSE(dropped.has_value());
  CHECK(dropped.error().code == ErrorCode::unavailable);
  CHECK(f.now().status == AgentStatus::dropping);
  CHECK(f.now().tunnel_id == f.record.tunnel_id);
  CHECK(f.store.find_live("vm-1") == nullptr);

  f.tunnels.failing.clear();
  REQUIRE(f.run(f.dropper.finish(f.now())).has_value());
  CHECK(f.now().status == AgentStatus::dropped);
  CHECK(f.now().reason == "drift");
  CHECK(f.tunnels.names.empty());
}

TEST_CASE("a quarantined agent keeps its tunnel and its own host") {
  Agent f;
  REQUIRE(f.run(f.dropper.quarantine(f.record, "unreachable: silent")).has_value());
  CHECK(f.now().status == AgentStatus::quarantined);
  CHECK(f.now().reason == "unreachable: silent");
  CHECK(f.now().quarantined_at == f.clock.unix_seconds());
  CHECK(f.now().extras == f.record.extras);
  CHECK(f.tunnels.routed(f.record.agent_id) == std::vector<std::string>{f.record.hostname});
}

TEST_CASE("a quarantine that Cloudflare does not hear of is decided all the same") {
  Agent f;
  f.tunnels.failing = {"put_ingress"};
  CHECK_FALSE(f.run(f.dropper.quarantine(f.record, "silent")).has_value());
  CHECK(f.now().status == AgentStatus::quarantined);
}

TEST_CASE("the newest 256 dropped agents are remembered, and all that are not dropped") {
  Room f;
  for (int i = 0; i < 258; ++i) {
    auto record = sample_record("agent-" + std::to_string(i), "vm-1");
    record.status = AgentStatus::dropped;
    record.dropped_at = 1000 + (i * 7) % 258;  // not in the order of their ids
    REQUIRE(f.run(f.store.save(record)).has_value());
  }
  auto old = sample_record("agent-old", "vm-2");
  old.status = AgentStatus::dropping;
  old.dropped_at = 1;
  REQUIRE(f.run(f.store.save(old)).has_value());

  REQUIRE(f.run(f.dropper.forget_old()).has_value());
  CHECK(f.store.all().size() == 257);
  CHECK(f.store.find("agent-old") != nullptr);
  for (const auto& record : f.store.all()) CHECK((record.agent_id == "agent-old" || record.dropped_at >= 1002));
}
