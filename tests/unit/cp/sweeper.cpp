#include "libdd/cp/sweeper.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "dd/log.hpp"
#include "tests/unit/cp/room.hpp"
#include "tests/unit/cp/sample_record.hpp"

using namespace dd;
using namespace dd::cp;

namespace {

constexpr std::chrono::seconds kLateEffects{60};

struct SweptRoom : Room {
  Sweeper sweeper{context};

  AgentRecord begin(const std::string& vm_name) {
    auto record = sample_record(provisioner.new_agent_id(), vm_name);
    record.tunnel_id.clear();
    REQUIRE(run(provisioner.provision(record)).has_value());
    return record;
  }
  [[nodiscard]] std::size_t journalled() const { return registry->tables["tunnel_journal"].size(); }
  [[nodiscard]] bool sweep() { return run(sweeper.sweep()).has_value(); }
};

}  // namespace

TEST_CASE("a sweep removes what was journalled and has no agent, and nothing else") {
  SweptRoom f;
  f.begin("vm-1");
  const auto agent = f.begin("vm-2");
  REQUIRE(f.run(f.store.save(agent)).has_value());
  REQUIRE(f.run(f.store.journal_tunnel({agent.agent_id, "vm-2"})).has_value());  // a renewal that was cut short
  REQUIRE(f.run(f.store.journal_tunnel({f.provisioner.new_agent_id(), "vm-3"})).has_value());  // never made
  const auto unknown = f.provisioner.new_agent_id();  // ours by its mark, of a registry that was lost
  f.tunnels.names.insert(unknown);

  REQUIRE(f.sweep());
  CHECK(f.tunnels.names == std::set<std::string>{agent.agent_id, unknown});
  CHECK(f.tunnels.dns.size() == 1);

  f.clock.advance(kLateEffects);
  REQUIRE(f.sweep());
  CHECK(f.journalled() == 0);
  CHECK(f.tunnels.names == std::set<std::string>{agent.agent_id, unknown});
}

TEST_CASE("the first sweep reports each tunnel of ours that nothing here remembers, once") {
  std::vector<std::string> reported;
  log::set_sink([&reported](const log::Record& record) {
    if (record.message == "tunnel carries our mark and has no entry") reported.push_back(record.fields[0].value);
  });
  {
    SweptRoom f;
    f.begin("vm-1");
    const auto agent = f.begin("vm-2");
    f.must(f.store.save(agent));
    const auto unknown = f.provisioner.new_agent_id();
    f.tunnels.names.insert(unknown);
    REQUIRE(f.sweep());
    CHECK(reported == std::vector<std::string>{unknown});
    REQUIRE(f.sweep());
    CHECK(reported.size() == 1);
  }
  log::set_sink(nullptr);
}

TEST_CASE("a tunnel that is made after the first look is removed by a later one") {
  SweptRoom f;
  const auto late = f.provisioner.new_agent_id();
  REQUIRE(f.run(f.store.journal_tunnel({late, "vm-1"})).has_value());
  REQUIRE(f.sweep());
  f.tunnels.names.insert(late);
  f.clock.advance(kLateEffects);
  REQUIRE(f.sweep());
  CHECK(f.tunnels.names.empty());
  CHECK(f.journalled() == 0);
}

TEST_CASE("a tunnel that went is removed once more before it is forgotten, for records that came after it") {
  SweptRoom f;
  f.begin("vm-1");
  REQUIRE(f.sweep());
  CHECK(f.tunnels.names.empty());
  f.tunnels.calls.clear();
  REQUIRE(f.sweep());
  CHECK(std::ranges::count(f.tunnels.calls, "remove") == 0);
  f.clock.advance(kLateEffects);
  REQUIRE(f.sweep());
  CHECK(std::ranges::count(f.tunnels.calls, "remove") == 1);
  CHECK(f.journalled() == 0);
}

TEST_CASE("a sweep leaves a registration that is under way alone") {
  SweptRoom f;
  const auto agent = f.begin("vm-1");
  f.tunnels.calls.clear();
  std::shared_ptr<test::Started<Result<void>>> sweep;
  auto registering = [](SweptRoom& room, AgentRecord record, decltype(sweep)& started) -> net::Task<Result<void>> {
    const auto turn = co_await room.turns.take(record.vm_name);
    started = test::start(room.io, room.sweeper.sweep());
    const std::chrono::milliseconds moment(1);
    while (room.tunnels.calls.empty())
      co_await net::sleep_for(moment);  // it has listed, and found an entry without an agent
    co_return co_await room.store.save(std::move(record));
  };
  REQUIRE(f.run(registering(f, agent, sweep)).has_value());
  while (!sweep->result) f.io.run_one();
  CHECK(sweep->result->has_value());
  CHECK(f.tunnels.names.contains(agent.agent_id));
  CHECK(f.journalled() == 0);
}

TEST_CASE("a sweep that cannot reach Cloudflare keeps the journal") {
  for (const std::string step : {"list", "remove"}) {
    CAPTURE(step);
    SweptRoom f;
    f.begin("vm-1");
    f.clock.advance(kLateEffects);
    f.tunnels.failing = {step};
    CHECK_FALSE(f.sweep());
    CHECK(f.journalled() == 1);
    f.tunnels.failing.clear();
    CHECK(f.sweep());
    CHECK(f.tunnels.names.empty());
    CHECK(f.journalled() == 0);
  }
}

TEST_CASE("an empty journal costs no call of Cloudflare after the first look") {
  SweptRoom f;
  REQUIRE(f.sweep());
  f.tunnels.calls.clear();
  REQUIRE(f.sweep());
  CHECK(f.tunnels.calls.empty());
}
