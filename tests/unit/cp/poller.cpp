// What a poll finds, and what becomes of the agent: every row of the table, and its timing by the injected clock.
#include "libdd/cp/poller.hpp"

#include <doctest/doctest.h>

#include "tests/unit/cp/vm.hpp"

using namespace dd;
using namespace dd::cp;

namespace {

using Status = AgentStatus;

/// One registered VM that exposes "web"; polls happen when the test says so.
struct Fleet : Room {
  Vm vm{*this};

  explicit Fleet(ControlPlaneOptions base = {}) : Room(std::move(base)) {
    vm.extras = {{"web", 8000, ServiceProtocol::http}};
    vm.join();
  }
  /// A round after `pause`; returns what the agent is then.
  Status poll(std::chrono::milliseconds pause = std::chrono::seconds(30)) {
    clock.advance(pause);
    run(poller.round());
    return now().status;
  }
  [[nodiscard]] AgentRecord now() const { return kept(vm.agent_id); }
  [[nodiscard]] bool web_is_routed() const { return tunnels.routed(vm.agent_id).size() == 2; }
  void become(Status status, int failed_polls = 0) {
    auto record = now();
    record.status = status;
    record.failed_polls = failed_polls;
    record.reason = "what was said before";
    if (status == Status::quarantined) record.quarantined_at = clock.unix_seconds();
    must(store.save(record));
  }
  /// A registration's token lives for 300 s and is forgiven 60 s; a fresh one keeps it out of the way.
  void refresh() { vm.refresh_at_next_poll(vm.log_size()); }
};

enum class Poll { proven, silent, expired, refused };

void prepare(Fleet& fleet, Poll poll) {
  if (poll == Poll::silent) fleet.vm.vanish();
  if (poll == Poll::expired)
    fleet.vm.refresh_at_next_poll(fleet.vm.log_size(), {{"exp", fleet.clock.unix_seconds() - 60},
                                                        {"iat", fleet.clock.unix_seconds() - 90},
                                                        {"nbf", fleet.clock.unix_seconds() - 90}});
  if (poll == Poll::refused) fleet.vm.bend_proof = [](protocol::ProofClaims& proof) { proof.nonce[0] ^= std::byte{1}; };
}

}  // namespace

TEST_CASE("each finding moves an agent from each state to the state of the table") {
  const struct {
    std::string name;
    Status before;
    int failed;  // polls before this one
    Poll poll;
    Status after;
  } rows[] = {
      {"proven from unknown", Status::unknown, 0, Poll::proven, Status::healthy},
      {"proven stays healthy", Status::healthy, 0, Poll::proven, Status::healthy},
      {"proven after failures", Status::unreachable, 2, Poll::proven, Status::healthy},
      {"proven takes back", Status::quarantined, 3, Poll::proven, Status::healthy},
      {"first silence", Status::healthy, 0, Poll::silent, Status::unreachable},
      {"silence after a restart", Status::unknown, 0, Poll::silent, Status::unreachable},
      {"second silence", Status::unreachable, 1, Poll::silent, Status::unreachable},
      {"third silence", Status::unreachable, 2, Poll::silent, Status::quarantined},
      {"third silence after a restart", Status::unknown, 2, Poll::silent, Status::quarantined},
      {"silence in quarantine", Status::quarantined, 3, Poll::silent, Status::quarantined},
      {"expired", Status::healthy, 0, Poll::expired, Status::quarantined},
      {"expired after a restart", Status::unknown, 0, Poll::expired, Status::quarantined},
      {"expired after failures", Status::unreachable, 1, Poll::expired, Status::quarantined},
      {"expired in quarantine", Status::quarantined, 0, Poll::expired, Status::quarantined},
      {"refused", Status::healthy, 0, Poll::refused, Status::dropped},
      {"refused after a restart", Status::unknown, 0, Poll::refused, Status::dropped},
      {"refused after failures", Status::unreachable, 2, Poll::refused, Status::dropped},
      {"refused in quarantine", Status::quarantined, 3, Poll::refused, Status::dropped},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Fleet f;
    f.become(row.before, row.failed);
    prepare(f, row.poll);
    CHECK(to_string(f.poll()) == to_string(row.after));
    CHECK(f.tunnels.names.contains(f.vm.agent_id) == (row.after != Status::dropped));
    CHECK(f.now().reason.empty() == (row.poll == Poll::proven));
    if (row.poll == Poll::proven) CHECK(f.now().failed_polls == 0);
  }
}

TEST_CASE("a poll that was proven moves last_seen, another does not") {
  Fleet f;
  f.poll();
  const auto seen = f.clock.unix_seconds();
  CHECK(f.now().last_seen == seen);
  f.vm.vanish();
  f.poll();
  CHECK(f.now().last_seen == seen);
  CHECK(f.now().failed_polls == 1);
}

TEST_CASE("silence counts anew after a proven poll") {
  Fleet f;
  for (int i = 0; i < 5; ++i) {
    f.vm.vanish();
    CHECK(f.poll() == Status::unreachable);
    CHECK(f.poll() == Status::unreachable);
    f.vm.serve();
    f.refresh();
    CHECK(f.poll() == Status::healthy);
  }
}

TEST_CASE("a silent agent is quarantined at once when its last token has run out, leeway included") {
  for (const bool leeway_is_over : {false, true}) {
    CAPTURE(leeway_is_over);
    Fleet f;
    f.vm.vanish();
    const auto until_then = std::chrono::seconds(f.now().token_expires_at + 60 - f.clock.unix_seconds());
    const auto status = f.poll(until_then + std::chrono::seconds(leeway_is_over ? 1 : 0));
    CHECK(to_string(status) == to_string(leeway_is_over ? Status::quarantined : Status::unreachable));
  }
}

TEST_CASE("in quarantine workloads are not routed; an agent that comes back has them again") {
  Fleet f;
  REQUIRE(f.web_is_routed());
  f.become(Status::unreachable, 2);
  f.vm.vanish();
  REQUIRE(f.poll() == Status::quarantined);
  CHECK_FALSE(f.web_is_routed());
  f.vm.serve();
  REQUIRE(f.poll() == Status::healthy);
  CHECK(f.web_is_routed());
  CHECK(f.now().quarantined_at == 0);
}

TEST_CASE("an agent that cannot be published again stays quarantined until it can") {
  Fleet f;
  f.become(Status::quarantined);
  f.tunnels.failing = {"put_ingress"};
  CHECK(f.poll() == Status::quarantined);
  f.tunnels.failing.clear();
  CHECK(f.poll() == Status::healthy);
}

TEST_CASE("an agent is deleted when its quarantine has lasted long enough, not a second earlier") {
  ControlPlaneOptions options;
  options.delete_after = std::chrono::milliseconds(899'001);  // as long as 900 s
  Fleet f(std::move(options));
  f.vm.vanish();
  f.become(Status::quarantined);
  CHECK(f.poll(std::chrono::seconds(899)) == Status::quarantined);
  CHECK(f.poll(std::chrono::seconds(1)) == Status::dropped);
  CHECK(f.now().reason.starts_with("not back after quarantine: unreachable: "));
  CHECK_FALSE(f.tunnels.names.contains(f.vm.agent_id));
}

TEST_CASE("quarantine goes on through a restart of the control plane") {
  Fleet f;
  f.become(Status::quarantined);
  Room after({}, f.registry);
  after.tunnels.names = f.tunnels.names;
  after.clock.advance(std::chrono::seconds(900));
  after.run(after.poller.round());
  CHECK(after.kept(f.vm.agent_id).status == Status::dropped);
}

TEST_CASE("an agent that was being dropped is finished without being polled") {
  Fleet f;
  f.become(Status::dropping);
  const auto polls = f.vm.polls;
  f.tunnels.failing = {"remove"};
  CHECK(f.poll() == Status::dropping);
  f.tunnels.failing.clear();
  CHECK(f.poll() == Status::dropped);
  CHECK(f.vm.polls == polls);
  f.poll();
  CHECK(f.vm.polls == polls);
}

TEST_CASE("one round polls every agent once, also more than can be polled at a time") {
  Room f;
  std::vector<std::unique_ptr<Vm>> vms;
  for (int i = 0; i < 40; ++i) {
    vms.push_back(std::make_unique<Vm>(f, "vm-" + std::to_string(i)));
    vms.back()->join();
  }
  f.run(f.poller.round());
  for (const auto& vm : vms) CHECK(vm->polls == 1);
  f.poller.stop();
  f.run(f.poller.round());
  for (const auto& vm : vms) CHECK(vm->polls == 1);
}

TEST_CASE("between two rounds there is the poll interval") {
  ControlPlaneOptions options;
  options.poll_interval = std::chrono::hours(1);
  Room f(std::move(options));
  Vm vm(f);
  vm.join();
  net::spawn(f.io.get_executor(), f.poller.run(), "poller");
  f.io.restart();
  while (vm.polls == 0) f.io.run_one();
  f.io.run_for(std::chrono::milliseconds(50));
  CHECK(vm.polls == 1);
}

TEST_CASE("what an agent answers cannot make its record too long to be read at the next start") {
  Fleet f;
  f.agents[f.vm.hostname] = [](const HttpRequest&) {
    return test::http_answer(500, R"({"code":"internal","message":")" + std::string(100'000, 'x') + "\"}");
  };
  CHECK(f.poll() == Status::unreachable);
  CHECK(f.now().reason.starts_with("unreachable: xxx"));
  const Room after({}, f.registry);
  CHECK(after.store.find(f.vm.agent_id) != nullptr);
}
