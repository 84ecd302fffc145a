// What becomes of deployments: of the runtime's answers, in which order, and what the agent then asks of it.
#include "libdd/agent/rollouts.hpp"

#include <unistd.h>

#include <csignal>

#include <doctest/doctest.h>

#include "tests/unit/agent/listener.hpp"
#include "tests/unit/agent/room.hpp"

using namespace dd;
using namespace dd::agent;
using namespace std::chrono_literals;
using Status = DeploymentStatus;

namespace {

struct Rolling : Room {
  Exposer exposer{context, calls, {}, [] {}};
  Rollouts rollouts{context, exposer};
  SilentPort web;

  Rolling() { join(); }
  DeploymentInfo deployment(const std::string& id, Status status) {
    auto info = running("app", {{"web", web.port(), ServiceProtocol::http}});
    info.id = id;
    info.status = status;
    return info;
  }
  /// One that has been replaced by what rolls.
  void had_before() { deployments.insert(deployments.begin(), deployment("id-before", Status::stopped)); }
  Rollout started(const std::string& replaced = "id-before") {
    Rollout rollout;
    rollout.id = "id-new";
    rollout.app_name = "app";
    rollout.ready_timeout = 100ms;
    rollout.replaced = replaced;
    return rollout;
  }
  RolloutPtr roll(Rollout start) {
    auto rollout = rollouts.begin(std::move(start));
    auto settled = [](Rollouts& all, RolloutPtr one) -> net::Task<bool> {
      co_await all.settled(one, 20s);
      co_return one->settled;
    };
    REQUIRE(run(settled(rollouts, rollout)));
    return rollout;
  }
  [[nodiscard]] bool asked_for(const std::string& method) const {
    return std::ranges::find(runtime_calls, method) != runtime_calls.end();
  }
  DeploymentInfo& newest() { return deployments.back(); }
};

}  // namespace

TEST_CASE("a deployment whose port answers is ready, and nothing else happens") {
  Rolling f;
  f.web.listen();
  f.had_before();
  f.deployments.push_back(f.deployment("id-new", Status::running));
  const auto rollout = f.roll(f.started());
  CHECK(rollout->ready);
  CHECK(rollout->reason.empty());
  CHECK_FALSE(rollout->rolled_back);
  CHECK_FALSE(f.asked_for("stop"));
  CHECK_FALSE(f.asked_for("redeploy"));
}

TEST_CASE("what ends, or does not answer in time, is stopped and the one before started again") {
  Rolling f;
  f.had_before();
  auto next = f.deployment("id-new", Status::running);
  std::string reason;
  bool lives = false;
  SUBCASE("exits") {
    next.status = Status::exited;
    next.exit_code = 78;
    reason = "it exited with status 78 before its ports answered";
  }
  SUBCASE("exits well, but a server should not") {
    next.status = Status::exited;
    next.exit_code = 0;
    reason = "it exited with status 0 before its ports answered";
  }
  SUBCASE("is killed") {
    next.status = Status::exited;
    next.signal = SIGKILL;
    reason = "it was ended by signal 9 (Killed)";
  }
  SUBCASE("cannot start when the one before is gone already") {
    next.status = Status::failed;
    next.error_message = "cannot run: Exec format error";
    reason = "cannot run: Exec format error";
  }
  SUBCASE("is silent") {
    reason = "port " + std::to_string(f.web.port()) + " does not answer after 100ms";
    lives = true;
  }
  f.deployments.push_back(next);
  f.on_redeploy = [&f] { f.web.listen(); };
  const auto rollout = f.roll(f.started());
  CHECK_FALSE(rollout->ready);
  CHECK(rollout->reason == reason);
  CHECK(rollout->rolled_back);
  CHECK(f.asked_for("stop") == lives);
  CHECK(f.newest().id == "id-again");
  CHECK(f.newest().rollback_of == "id-new");
  const auto again = f.rollouts.find("id-again");
  REQUIRE(again != nullptr);
  CHECK(again->ready);
  CHECK(again->rollback_of == "id-new");
}

TEST_CASE("without a port a deployment is ready when it lives for a while, or has ended well") {
  const struct {
    std::string name;
    Status status;
    int code;
    bool ready;
  } rows[] = {{"runs", Status::running, 0, true},
              {"one-shot", Status::exited, 0, true},
              {"one-shot that failed", Status::exited, 1, false},
              {"tools", Status::completed, 0, true},
              {"was stopped", Status::stopped, 0, false}};
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Rolling f;
    f.deployments = {running("app")};
    f.newest().id = "id-new";
    f.newest().status = row.status;
    if (row.status == Status::exited) f.newest().exit_code = row.code;
    CHECK(f.roll(f.started(""))->ready == row.ready);
  }
}

TEST_CASE("a process that dies while it is watched whether it lives is not ready") {
  Rolling f;
  f.options.steady_after = 10s;
  f.deployments = {running("app")};
  f.newest().id = "id-new";
  int looks = 0;
  f.on_list = [&] {
    if (++looks < 4) return;
    f.newest().status = Status::exited;
    f.newest().exit_code = 1;
  };
  CHECK(f.roll(f.started(""))->reason == "it exited with status 1");
}

TEST_CASE("of a first deploy that fails nothing is left, unless it is to be kept") {
  Rolling f;
  f.deployments = {f.deployment("id-new", Status::running)};
  auto start = f.started("");
  SUBCASE("rollback") {
    const auto rollout = f.roll(start);
    CHECK_FALSE(rollout->rolled_back);
    CHECK(f.newest().status == Status::stopped);
  }
  SUBCASE("keep") {
    start.on_failure = OnFailure::keep;
    CHECK_FALSE(f.roll(start)->rolled_back);
    CHECK(f.newest().status == Status::running);
  }
  CHECK_FALSE(f.asked_for("redeploy"));
}

TEST_CASE("what fails before it takes the place of another leaves that running") {
  Rolling f;
  f.had_before();
  f.newest().status = Status::running;
  f.deployments.push_back(f.deployment("id-new", Status::failed));
  const auto rollout = f.roll(f.started());
  CHECK(rollout->rolled_back);
  CHECK_FALSE(f.asked_for("redeploy"));
  CHECK_FALSE(f.asked_for("stop"));
}

TEST_CASE("what was under way itself is nothing that serves, and what was good comes back in its place") {
  Rolling f;
  f.had_before();
  f.deployments.push_back(f.deployment("id-under-way", Status::running));
  auto under_way = f.started("id-before");
  under_way.id = "id-under-way";
  under_way.ready_timeout = 1h;
  f.rollouts.begin(under_way);
  f.deployments.push_back(f.deployment("id-new", Status::failed));
  f.rollouts.supersede("app", "deployment id-new took its place");
  f.on_redeploy = [&f] { f.web.listen(); };
  const auto rollout = f.roll(f.started(f.rollouts.good_one("app", "id-under-way")));
  CHECK(rollout->rolled_back);
  CHECK(f.redeployed == "id-before");
  CHECK(f.deployments[1].status == Status::stopped);
}

TEST_CASE("a deploy during a rollback has the same to come back to") {
  Rolling f;
  f.had_before();
  f.deployments.push_back(f.deployment("id-new", Status::exited));
  f.rollouts.begin(f.started());
  while (f.rollouts.find("id-again") == nullptr) f.io.run_one();
  CHECK(f.rollouts.needed() == std::set<std::string>{"id-before"});
  CHECK(f.rollouts.good_one("app", "") == "id-before");
}

TEST_CASE("a runtime that is away while a process is watched whether it lives does not end it") {
  Rolling f;
  f.options.steady_after = 300ms;
  f.deployments = {running("app")};
  f.newest().id = "id-new";
  int looks = 0;
  f.on_list = [&] {
    ++looks;
    f.runtime_refusal.reset();
    if (looks == 2) f.runtime_refusal = Json{{"ok", false}, {"error", "busy"}, {"code", "unavailable"}};
  };
  const auto rollout = f.rollouts.begin(f.started(""));
  while (looks < 2) f.io.run_one();
  const auto asked = f.runtime_calls.size();
  while (f.runtime_calls.size() == asked) f.io.run_one();  // that one is refused
  f.runtime_refusal.reset();
  while (!rollout->settled) f.io.run_one();
  CHECK(rollout->ready);
  CHECK_FALSE(f.asked_for("stop"));
}

TEST_CASE("when the one before does not come back, the reason says so") {
  Rolling f;
  f.had_before();
  f.deployments.push_back(f.deployment("id-new", Status::exited));
  std::string also;
  SUBCASE("it is not ready either") {
    f.on_redeploy = [&f] { f.newest().status = Status::exited; };
    also = "; what was there before is not ready again as id-again: it exited";
  }
  SUBCASE("the runtime is of an earlier version") {
    f.redeploys = false;
    also = "; what was there before is not started again: unknown method: redeploy";
  }
  const auto rollout = f.roll(f.started());
  CHECK_FALSE(rollout->rolled_back);
  CHECK(rollout->reason.find(also) != std::string::npos);
}

TEST_CASE("whoever wants something else of the app keeps it from being rolled back") {
  Rolling f;
  f.had_before();
  f.deployments.push_back(f.deployment("id-new", Status::running));
  f.on_list = [&f] {
    f.rollouts.supersede("other", "it was mopped");
    f.rollouts.supersede("app", "it was mopped");
    f.newest().status = Status::stopped;
  };
  const auto rollout = f.roll(f.started());
  CHECK_FALSE(rollout->ready);
  CHECK(rollout->reason == "it was mopped");
  CHECK_FALSE(f.asked_for("redeploy"));
}

TEST_CASE("the time that a release takes to be fetched does not count") {
  Rolling f;
  f.deployments = {f.deployment("id-new", Status::deploying)};
  int looks = 0;
  f.on_list = [&] {
    if (++looks < 6) return;  // by now it would be late
    f.newest().status = Status::running;
    f.web.listen();
  };
  auto start = f.started("");
  start.ready_timeout = 150ms;
  CHECK(f.roll(start)->ready);
}

TEST_CASE("a runtime that is away for a moment fails no deployment") {
  Rolling f;
  f.web.listen();
  f.deployments = {f.deployment("id-new", Status::running)};
  f.runtime_refusal = Json{{"ok", false}, {"error", "busy"}, {"code", "unavailable"}};
  auto start = f.started("");
  start.ready_timeout = 20s;
  const auto rollout = f.rollouts.begin(start);
  while (f.runtime_calls.size() < 3) f.io.run_one();
  CHECK_FALSE(rollout->settled);
  f.runtime_refusal.reset();
  while (!rollout->settled) f.io.run_one();
  CHECK(rollout->ready);
}

TEST_CASE("one that is not known to be good yet is nothing to come back to") {
  Rolling f;
  CHECK(f.rollouts.good_one("app", "").empty());
  CHECK(f.rollouts.good_one("app", "id-running") == "id-running");  // from before the agent was started
  f.deployments = {f.deployment("id-new", Status::running)};
  f.rollouts.begin(f.started("id-before"));
  CHECK(f.rollouts.good_one("app", "id-new") == "id-before");
  CHECK(f.rollouts.good_one("app", "") == "id-before");
  CHECK(f.rollouts.good_one("app", "id-other") == "id-other");
  CHECK(f.rollouts.good_one("other", "").empty());
  f.web.listen();
  while (!f.rollouts.find("id-new")->settled) f.io.run_one();
  CHECK(f.rollouts.good_one("app", "id-new") == "id-new");
  CHECK(f.rollouts.good_one("app", "").empty());
}

TEST_CASE("old rollouts are forgotten, those under way never") {
  Rolling f;
  f.deployments = {f.deployment("id-new", Status::running)};
  auto start = f.started("");
  start.ready_timeout = 1h;
  const auto under_way = f.rollouts.begin(start);
  for (std::size_t i = 0; i < Rollouts::kKept + 10; ++i) {
    auto gone = f.started("");
    gone.id = "id-" + std::to_string(i);
    gone.app_name = "other";
    f.roll(gone);
  }
  CHECK(f.rollouts.find("id-new") == under_way);
  CHECK(f.rollouts.find("id-0") == nullptr);
  CHECK(f.rollouts.find("id-" + std::to_string(Rollouts::kKept + 9)) != nullptr);
}

namespace {

/// A deployment whose port the platform has chosen, and strangers that listen there before it does.
struct Chosen : Rolling {
  Listener strangers[3];
  std::size_t tries = 0;
  bool can_be_started = true;
  std::size_t taken = 3;  // of the tries

  DeploymentInfo attempt() {
    auto info = deployment(tries == 0 ? "id-new" : "id-" + std::to_string(tries), Status::running);
    info.listeners.emplace();
    if (tries < taken)
      info.expose[0].port = strangers[tries].port();
    else
      info.listeners->push_back({"127.0.0.1", web.port()});
    return info;
  }
  net::Task<Result<std::string>> again() {
    if (!can_be_started) co_return fail(ErrorCode::unavailable, "no port is left to choose");
    ++tries;
    deployments.push_back(attempt());
    co_return deployments.back().id;
  }
  RolloutPtr roll_it() {
    deployments = {attempt()};
    auto start = started("");
    start.chosen_ports = {"web"};
    start.start_elsewhere = [this] { return again(); };
    return roll(std::move(start));
  }
  [[nodiscard]] std::string held(std::size_t number) const {
    return "port " + std::to_string(strangers[number].port()) + " is held by a process of uid " +
           std::to_string(getuid());
  }
};

}  // namespace

TEST_CASE(
    "a deployment whose chosen port somebody else takes is started again with another, and is known by either id") {
  Chosen f;
  f.web.listen();
  f.taken = 1;
  const auto rollout = f.roll_it();
  CHECK(rollout->ready);
  CHECK(rollout->id == "id-1");
  CHECK(rollout->warnings == std::vector<std::string>{f.held(0) + "; another port was chosen"});
  CHECK(f.rollouts.find("id-new") == rollout);
  CHECK_FALSE(f.rollouts.may_be_good("id-new"));
  CHECK(f.rollouts.may_be_good("id-1"));
  CHECK_FALSE(rollout->start_elsewhere);
}

TEST_CASE("other ports are tried twice, and then it is said who has the last one") {
  Chosen f;
  std::size_t tries = 2;
  SUBCASE("each is taken") {}
  SUBCASE("none can be chosen") {
    f.can_be_started = false;
    tries = 0;
  }
  const auto rollout = f.roll_it();
  CHECK_FALSE(rollout->ready);
  CHECK(rollout->port_taken);
  CHECK(rollout->reason == f.held(tries));
  CHECK(f.tries == tries);
  CHECK(rollout->warnings.size() == (f.can_be_started ? tries : 1));
}

TEST_CASE("a try whose port somebody else has is nothing to come back to, also while the next one is being fetched") {
  Chosen f;
  f.deployments = {f.attempt()};
  auto start = f.started("id-good");
  start.chosen_ports = {"web"};
  start.start_elsewhere = [&f]() -> net::Task<Result<std::string>> {
    f.tries = 3;
    f.deployments.push_back(f.deployment("id-next", Status::deploying));
    co_return std::string("id-next");
  };
  const auto rollout = f.rollouts.begin(std::move(start));
  f.io.restart();
  while (rollout->id != "id-next") f.io.run_one();
  CHECK(f.rollouts.good_one("app", "id-new") == "id-good");
  f.newest().status = Status::failed;
  f.rollouts.supersede("app", "the test is over");
  while (!rollout->settled) f.io.run_one();
  CHECK_FALSE(rollout->port_taken);
}

TEST_CASE("a deployment that listens elsewhere on its port has it, and one that could not be fetched lacks none") {
  Chosen f;
  f.deployments = {f.attempt()};
  std::string reason = "port " + std::to_string(f.strangers[0].port()) + " does not answer after 100ms";
  SUBCASE("at another address") { f.newest().listeners->push_back({"127.0.0.2", f.strangers[0].port()}); }
  SUBCASE("failed") {
    f.newest().status = Status::failed;
    f.newest().error_message = reason = "cannot fetch: 404";
  }
  auto start = f.started("");
  start.chosen_ports = {"web"};
  start.start_elsewhere = [&f] { return f.again(); };
  const auto rollout = f.roll(std::move(start));
  CHECK(rollout->reason == reason);
  CHECK(f.tries == 0);
}

TEST_CASE("a port that was named, or of which nobody can tell who listens, is not looked for elsewhere") {
  Chosen f;
  f.deployments = {f.attempt()};
  auto start = f.started("");
  SUBCASE("named") {}
  SUBCASE("of an earlier runtime") {
    start.chosen_ports = {"web"};
    f.newest().listeners.reset();
    f.newest().expose[0].port = f.web.port();
  }
  SUBCASE("nobody has it") {
    start.chosen_ports = {"web"};
    f.newest().expose[0].port = f.web.port();
  }
  start.start_elsewhere = [&f] { return f.again(); };
  const auto rollout = f.roll(std::move(start));
  CHECK_FALSE(rollout->ready);
  CHECK_FALSE(rollout->port_taken);
  CHECK(f.tries == 0);
}
