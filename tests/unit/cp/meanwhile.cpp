// What has changed while a request, a poll or a clean-up waited for its VM's turn.
#include <doctest/doctest.h>

#include <chrono>
#include <utility>

#include "libdd/net/deadline.hpp"
#include "tests/support/check_error.hpp"
#include "tests/unit/cp/caller.hpp"
#include "tests/unit/cp/sample_record.hpp"
#include "tests/unit/cp/seed_room.hpp"

using namespace dd;
using namespace dd::cp;
using namespace dd::test;

namespace {

/// Holds the VM's turn; what wants it waits until this goes.
net::Turn::Guard held(Room& room, const std::string& vm_name) { return room.run(room.turns.take(vm_name)); }

void release(net::Turn::Guard guard) { const auto ended = std::move(guard); }

}  // namespace

TEST_CASE("a call of an agent that was erased meanwhile is told to register again") {
  Caller f;
  auto turn = held(f, f.vm.vm_name);
  const auto call = start(f.io, answer_of(f.router, f.call_of(f.vm, "/ingress/replace", f.body(Caller::web()))));
  settle(f.io);
  f.must(f.store.erase(f.vm.agent_id));
  f.tunnels.calls.clear();
  release(std::move(turn));
  check_error(finish(f.io, call), ErrorCode::not_found, "agent_unknown");
  CHECK(f.tunnels.calls.empty());
}

TEST_CASE("a key that was revoked between the checks of its registration and its turn is not let in") {
  bool checked = false;
  ControlPlaneOptions options;
  options.admission = [&checked](const Candidate&) {
    checked = true;
    return Result<void>();
  };
  Room f(std::move(options));
  Vm vm(f);
  auto turn = held(f, vm.vm_name);
  auto call = vm.registration(vm.claims_for(f.nonces.for_register()));
  const auto registration = start(f.io, answer_of(f.router, std::move(call)));
  f.io.restart();
  while (!checked && f.io.run_one() > 0) {
  }
  REQUIRE(checked);
  f.must(f.store.deny(vm.signing.public_key().kid(), "lost"));
  release(std::move(turn));
  check_error(finish(f.io, registration), ErrorCode::permission_denied, "revoked");
  CHECK(f.store.all().empty());
  CHECK(f.tunnels.names.empty());
}

TEST_CASE("what was revoked while its registration without attestation waited is not let in") {
  Seed f;
  auto turn = held(f, "vm-seed");
  const auto registration =
      start(f.io, answer_of(f.listener, {"POST", "/register", test::bearer(kOwnerPat), to_text(f.body())}));
  settle(f.io);
  f.must(f.store.deny("compat:vm-seed", "lost"));
  release(std::move(turn));
  CHECK_FALSE(finish(f.io, registration).has_value());
  CHECK(f.store.all().empty());
  CHECK(f.tunnels.names.empty());
}

TEST_CASE("a revocation holds from the moment that it is asked for, although the agent keeps its turn") {
  Caller f;
  auto turn = held(f, f.vm.vm_name);
  auto revoking = RouteCall{"POST", "/api/agents/" + f.vm.agent_id + "/revoke", test::bearer(kOwnerPat), "{}"};
  const auto revoked = start(f.io, answer_of(f.router, std::move(revoking)));
  const auto kid = f.vm.signing.public_key().kid();
  // It is written by another thread.
  const net::Deadline patience(std::chrono::seconds(20));
  f.io.restart();
  while (!f.store.is_denied(kid) && !patience.over()) f.io.run_one_for(std::chrono::milliseconds(10));
  CHECK(f.store.is_denied(kid));
  CHECK(f.kept(f.vm.agent_id).status == AgentStatus::healthy);
  release(std::move(turn));
  CHECK(finish(f.io, revoked).has_value());
  CHECK(f.kept(f.vm.agent_id).status == AgentStatus::dropped);
}

TEST_CASE("an agent that was dropped while its poll waited is not polled") {
  Caller f;
  auto turn = held(f, f.vm.vm_name);
  auto poll = [](Room& room) -> net::Task<bool> {
    co_await room.poller.round();
    co_return true;
  };
  const auto round = start(f.io, poll(f));
  settle(f.io);
  SUBCASE("dropped") { f.become(AgentStatus::dropped); }
  SUBCASE("erased") { f.must(f.store.erase(f.vm.agent_id)); }
  release(std::move(turn));
  CHECK(finish(f.io, round));
  CHECK(f.vm.polls == 0);
}

TEST_CASE("a dropped agent that came back while it was to be forgotten is kept") {
  Room f;
  constexpr int kKept = 256;
  for (int i = 0; i <= kKept; ++i) {
    auto record = sample_record("agent-" + std::to_string(i), "vm-" + std::to_string(i));
    record.status = AgentStatus::dropped;
    record.dropped_at = 1'000 + i;
    f.must(f.store.save(record));
  }
  auto turn = held(f, "vm-0");
  const auto clean_up = start(f.io, f.dropper.forget_old());
  settle(f.io);
  SUBCASE("came back") {
    auto back = f.kept("agent-0");
    back.status = AgentStatus::healthy;
    f.must(f.store.save(back));
  }
  SUBCASE("is gone already") { f.must(f.store.erase("agent-0")); }
  const auto left = f.store.all().size();
  release(std::move(turn));
  CHECK(finish(f.io, clean_up).has_value());
  CHECK(f.store.all().size() == left);
}
