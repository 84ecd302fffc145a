#include <doctest/doctest.h>

#include "libdd/fleet_client/agent_choice.hpp"

using namespace dd;

namespace {

AgentSummary agent(std::string id, std::string vm_name, std::string status) {
  AgentSummary summary;
  summary.hostname = vm_name + ".dd.example";
  summary.agent_id = std::move(id);
  summary.vm_name = std::move(vm_name);
  summary.status = std::move(status);
  return summary;
}

}  // namespace

TEST_CASE("an agent is found by VM name, id or hostname") {
  const std::vector<AgentSummary> agents = {agent("id-1", "one", "healthy"), agent("id-2", "two", "healthy")};
  for (const std::string name : {"two", "id-2", "two.dd.example"}) {
    CAPTURE(name);
    CHECK(choose_agent(agents, name).value().agent_id == "id-2");
  }
}

TEST_CASE("a name is compared whole") {
  const std::vector<AgentSummary> agents = {agent("id-1", "one", "healthy")};
  for (const std::string name : {"on", "one.", "one.dd", "ONE", "id"}) {
    CAPTURE(name);
    const auto chosen = choose_agent(agents, name);
    REQUIRE_FALSE(chosen.has_value());
    CHECK(chosen.error().code == ErrorCode::not_found);
  }
}

TEST_CASE("without a name the fleet's only agent is meant") {
  CHECK(choose_agent({agent("id-1", "one", "quarantined")}, "").value().agent_id == "id-1");
  CHECK(choose_agent({agent("id-0", "old", "dropped"), agent("id-1", "one", "healthy")}, "").value().agent_id ==
        "id-1");
}

TEST_CASE("a fleet of several or of none has no only agent") {
  const auto several = choose_agent({agent("id-1", "one", "healthy"), agent("id-2", "two", "healthy")}, "");
  REQUIRE_FALSE(several.has_value());
  CHECK(several.error().code == ErrorCode::conflict);
  CHECK(several.error().message == "cannot choose the fleet's only agent: name one of one (id-1), two (id-2)");
  for (const auto& agents : {std::vector<AgentSummary>{}, {agent("id-1", "one", "dropped")}}) {
    const auto none = choose_agent(agents, "");
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().code == ErrorCode::not_found);
  }
}

TEST_CASE("a dropped agent is meant only when nobody else has the name") {
  const auto old = agent("id-0", "one", "dropped");
  CHECK(choose_agent({old, agent("id-1", "one", "healthy")}, "one").value().agent_id == "id-1");
  CHECK(choose_agent({old}, "one").value().agent_id == "id-0");
  CHECK(choose_agent({old, agent("id-1", "one", "healthy")}, "id-0").value().agent_id == "id-0");
  const auto twice = choose_agent({old, agent("id-9", "one", "dropped")}, "one");
  REQUIRE_FALSE(twice.has_value());
  CHECK(twice.error().code == ErrorCode::conflict);
}
