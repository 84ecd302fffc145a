#include "libdd/cp/store.hpp"

#include <doctest/doctest.h>

#include "tests/support/check_error.hpp"
#include "tests/unit/cp/room.hpp"
#include "tests/unit/cp/sample_record.hpp"

using namespace dd;
using namespace dd::cp;
using namespace dd::test;

namespace {

/// Another control plane over the same rows.
struct Restarted : Room {
  explicit Restarted(const Room& before) : Room({}, before.registry) {}
};

AgentRecord agent_in(AgentStatus status, const std::string& id, const std::string& vm_name = "vm-1") {
  auto record = sample_record(id, vm_name);
  record.status = status;
  return record;
}

}  // namespace

TEST_CASE("what an agent was before a restart decides what it is after") {
  const struct {
    AgentStatus before;
    AgentStatus after;
  } rows[] = {{AgentStatus::unknown, AgentStatus::unknown},     {AgentStatus::healthy, AgentStatus::unknown},
              {AgentStatus::unreachable, AgentStatus::unknown}, {AgentStatus::quarantined, AgentStatus::quarantined},
              {AgentStatus::dropping, AgentStatus::dropping},   {AgentStatus::dropped, AgentStatus::dropped}};
  for (const auto& row : rows) {
    CAPTURE(to_string(row.before));
    Room before;
    REQUIRE(before.run(before.store.save(agent_in(row.before, "agent-1"))).has_value());
    const Restarted after(before);
    REQUIRE(after.store.find("agent-1") != nullptr);
    CHECK(after.store.find("agent-1")->status == row.after);
  }
}

TEST_CASE("the name's holder is the live agent, whoever else had it") {
  Room f;
  REQUIRE(f.run(f.store.save(agent_in(AgentStatus::dropped, "agent-1"))).has_value());
  REQUIRE(f.run(f.store.save(agent_in(AgentStatus::quarantined, "agent-2"))).has_value());
  REQUIRE(f.run(f.store.save(agent_in(AgentStatus::dropping, "agent-3"))).has_value());
  REQUIRE(f.store.find_live("vm-1") != nullptr);
  CHECK(f.store.find_live("vm-1")->agent_id == "agent-2");
  CHECK(f.store.find_live("vm-2") == nullptr);
}

TEST_CASE("a change that could not be written is not remembered either") {
  Room f;
  REQUIRE(f.run(f.store.save(agent_in(AgentStatus::healthy, "agent-1"))).has_value());
  f.registry->read_only = Error{ErrorCode::unavailable, "cannot write the registry: disk full", {}, {}};
  check_error(f.run(f.store.save(agent_in(AgentStatus::dropped, "agent-1"))), ErrorCode::unavailable, "");
  CHECK(f.store.find("agent-1")->status == AgentStatus::healthy);
  check_error(f.run(f.store.erase("agent-1")), ErrorCode::unavailable, "");
  CHECK(f.store.find("agent-1") != nullptr);
  check_error(f.run(f.store.deny("kid", "stolen")), ErrorCode::unavailable, "");
  CHECK_FALSE(f.store.is_denied("kid"));
}

TEST_CASE("saving an agent takes its tunnel out of the journal") {
  Room f;
  REQUIRE(f.run(f.store.journal_tunnel({"agent-1", "vm-1"})).has_value());
  REQUIRE(f.run(f.store.journal_tunnel({"agent-2", "vm-2"})).has_value());
  REQUIRE(f.run(f.store.save(agent_in(AgentStatus::healthy, "agent-1"))).has_value());
  const auto left = f.run(f.store.journal()).value();
  REQUIRE(left.size() == 1);
  CHECK(left[0].name == "agent-2");
  CHECK(left[0].vm_name == "vm-2");
  REQUIRE(f.run(f.store.forget_tunnel("agent-2")).has_value());
  CHECK(f.run(f.store.journal()).value().empty());
}

TEST_CASE("a nonce is spent once, also across a restart, until it is purged after its end") {
  Room f;
  const auto nonce = filled<32>(1);
  const auto end = f.clock.unix_seconds() + 120;
  REQUIRE(f.run(f.store.spend_nonce(nonce, end)).has_value());
  check_error(f.run(f.store.spend_nonce(nonce, end)), ErrorCode::unauthenticated, "nonce_spent");
  Restarted after(f);
  check_error(after.run(after.store.spend_nonce(nonce, end)), ErrorCode::unauthenticated, "nonce_spent");

  f.clock.advance(std::chrono::seconds(120));
  REQUIRE(f.run(f.store.purge_spent()).has_value());
  check_error(f.run(f.store.spend_nonce(nonce, end)), ErrorCode::unauthenticated, "nonce_spent");
  f.clock.advance(std::chrono::seconds(1));
  REQUIRE(f.run(f.store.purge_spent()).has_value());
  CHECK(f.registry->tables["spent_nonces"].empty());
}

TEST_CASE("a nonce that cannot be written counts as not spent, and not as good") {
  Room f;
  f.registry->read_only = Error{ErrorCode::unavailable, "cannot write the registry: disk full", {}, {}};
  check_error(f.run(f.store.spend_nonce(filled<32>(1), 0)), ErrorCode::unavailable, "");
}

TEST_CASE("a ticket that has expired is forgotten, and no other") {
  Room f;
  const auto end = f.clock.unix_seconds() + 900;
  REQUIRE(f.run(f.store.claim_ticket("t1", "kid-a", "vm-1", end)).has_value());
  f.registry->tables["spent_tickets"]["broken"] = "{";
  f.clock.advance(std::chrono::seconds(900 + 3600));
  REQUIRE(f.run(f.store.purge_spent()).has_value());
  check_error(f.run(f.store.claim_ticket("t1", "kid-b", "vm-1", end)), ErrorCode::unauthenticated,
              "join_credential_invalid");
  f.clock.advance(std::chrono::seconds(1));
  REQUIRE(f.run(f.store.purge_spent()).has_value());
  CHECK(f.registry->tables["spent_tickets"].size() == 1);
}

TEST_CASE("a ticket belongs to the first key that shows it") {
  Room f;
  REQUIRE(f.run(f.store.claim_ticket("t1", "kid-a", "vm-1", 900)).has_value());
  CHECK(f.run(f.store.claim_ticket("t1", "kid-a", "vm-1", 900)).has_value());
  check_error(f.run(f.store.claim_ticket("t1", "kid-b", "vm-1", 900)), ErrorCode::unauthenticated,
              "join_credential_invalid");
  check_error(f.run(f.store.claim_ticket("t1", "kid-a", "vm-10", 900)), ErrorCode::unauthenticated,
              "join_credential_invalid");
  CHECK(f.run(f.store.claim_ticket("t2", "kid-b", "vm-1", 900)).has_value());

  SUBCASE("and to nobody when its row cannot be read") {
    f.registry->tables["spent_tickets"]["t1"] = "{";
    check_error(f.run(f.store.claim_ticket("t1", "kid-a", "vm-1", 900)), ErrorCode::unauthenticated,
                "join_credential_invalid");
  }
  SUBCASE("and to nobody when its row names no key") {
    f.registry->tables["spent_tickets"]["t1"] = "[]";
    check_error(f.run(f.store.claim_ticket("t1", "kid-a", "vm-1", 900)), ErrorCode::unauthenticated,
                "join_credential_invalid");
    f.registry->tables["spent_tickets"]["t1"] = R"({"kid":7})";
    check_error(f.run(f.store.claim_ticket("t1", "kid-a", "vm-1", 900)), ErrorCode::unauthenticated,
                "join_credential_invalid");
  }
}

TEST_CASE("a secret is made once and kept") {
  Room f;
  const auto made = f.run(f.store.secret("nonce_key")).value();
  CHECK(made.size() == 32);
  CHECK(f.run(f.store.secret("nonce_key")).value() == made);
  CHECK(f.run(f.store.secret("fleet_key")).value() != made);
  Restarted after(f);
  CHECK(after.run(after.store.secret("nonce_key")).value() == made);
}

TEST_CASE("a secret that is not 32 bytes is refused: a short key would make every nonce forgeable") {
  for (const std::string kept : {"", "00", "zz", "\"\""}) {
    CAPTURE(kept);
    Room f;
    f.registry->tables["settings"]["nonce_key"] = kept;
    CHECK_FALSE(f.run(f.store.secret("nonce_key")).has_value());
  }
}

TEST_CASE("a revoked key stays revoked after a restart") {
  Room f;
  REQUIRE(f.run(f.store.deny("kid", "stolen")).has_value());
  const Restarted after(f);
  CHECK(after.store.is_denied("kid"));
  CHECK_FALSE(after.store.is_denied("kid2"));
}

TEST_CASE("a registry with an agent that cannot be read does not load") {
  Room f;
  f.registry->tables["agents"]["agent-1"] = R"({"agent_id":"agent-1"})";
  const auto loaded = f.run(f.store.load());
  REQUIRE_FALSE(loaded.has_value());
  CHECK(loaded.error().message.starts_with("cannot load agent agent-1: "));
}
