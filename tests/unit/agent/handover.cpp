// One deployment takes the place of another beside which it was started. Ports are real ones on loopback; runtime, control plane and connector live
// in the test.
#include "libdd/agent/handover.hpp"

#include <doctest/doctest.h>

#include "libdd/agent/rollouts.hpp"
#include "tests/support/check_error.hpp"
#include "tests/unit/agent/listener.hpp"
#include "tests/unit/agent/room.hpp"

using namespace dd;
using namespace dd::agent;
using namespace std::chrono_literals;
using Status = DeploymentStatus;

namespace {

struct HandingOver : Room {
  Exposer exposer{context, calls, {}, [] {}};
  Listener old_port;
  Listener new_port;
  std::optional<std::int64_t> connector_runs;
  int asked = 0;  // the connector, for what it runs

  HandingOver() {
    join();
    cp_publishes();
    context.connector_version = [this]() -> net::Task<std::optional<std::int64_t>> {
      ++asked;
      co_return connector_runs;
    };
    deployments = {at("id-old", old_port)};
    REQUIRE(run(exposer.sync()).has_value());
    deployments.push_back(at("id-new", new_port));
    exposer.hold_back("id-new");
  }
  static DeploymentInfo at(const std::string& id, const Listener& port) {
    auto info = running("app", {{"web", port.port(), ServiceProtocol::http}});
    info.id = id;
    return info;
  }
  Status status_of(const std::string& id) { return std::ranges::find(deployments, id, &DeploymentInfo::id)->status; }
  [[nodiscard]] std::uint16_t public_port() const { return published.back().front().port; }
  std::shared_ptr<bool> begin(std::chrono::milliseconds longest) {
    const auto done = std::make_shared<bool>(false);
    auto all = [](HandingOver& room, std::chrono::milliseconds limit, std::shared_ptr<bool> over) -> net::Task<void> {
      Handover handover(room.context, room.exposer, limit);
      co_await handover.complete("app", "id-new");
      *over = true;
    };
    exposer.let_go("id-new");
    net::spawn(io.get_executor(), all(*this, longest, done), "handover");
    return done;
  }
  /// Until the connector has been asked that often since.
  void let_it_look(int times) {
    const auto until = asked + times;
    while (asked < until) io.run_one();
  }
};

DeployRequest wanting(std::vector<std::uint16_t> ports) {
  DeployRequest request;
  request.app_name = "app";
  request.cmd = {"hello"};
  for (const auto port : ports) request.expose.push_back({"l" + std::to_string(request.expose.size()), port});
  return request;
}

}  // namespace

TEST_CASE("a deployment runs beside the one before where nothing of both can meet") {
  CHECK(Handover::is_wanted(wanting({0, 0})).value());
  CHECK_FALSE(Handover::is_wanted(wanting({0, 8080})).value());
  CHECK_FALSE(Handover::is_wanted(wanting({})).value());
  const auto with = [](auto change) {
    auto request = wanting({0});
    change(request);
    return Handover::is_wanted(request);
  };
  CHECK_FALSE(with([](auto& request) { request.privileged = true; }).value());
  CHECK_FALSE(with([](auto& request) { request.on_failure = OnFailure::keep; }).value());
  CHECK_FALSE(with([](auto& request) { request.unknown = {"volumes"}; }).value());
  CHECK(with([](auto& request) { request.unknown = {"volume"}; }).value());
  CHECK_FALSE(with([](auto& request) { request.overlap = false; }).value());
  CHECK(with([](auto& request) { request.overlap = true, request.expose.clear(); }).value());
  const auto keeps = with([](auto& request) { request.overlap = true, request.on_failure = OnFailure::keep; });
  test::check_error(keeps, ErrorCode::invalid_argument, "", "with on_failure keep");
  const auto fixed = with([](auto& request) { request.overlap = true, request.expose.front().port = 8080; });
  test::check_error(fixed, ErrorCode::invalid_argument, "", "port 8080 is named");
  CHECK(fixed.error().path == "$.overlap");
}

TEST_CASE("what is held back is not public although it answers, and the one before is") {
  HandingOver f;
  REQUIRE(f.run(f.exposer.sync()).has_value());
  CHECK(f.public_port() == f.old_port.port());
  CHECK(f.exposer.is_wholly_public(f.deployments[0]));
  f.exposer.let_go("id-new");
  REQUIRE(f.run(f.exposer.sync()).has_value());
  CHECK(f.public_port() == f.new_port.port());
  CHECK(f.exposer.is_wholly_public(f.deployments[1]));
  CHECK_FALSE(f.exposer.is_wholly_public(f.deployments[0]));
  CHECK(f.published.size() == 2);
  REQUIRE(f.run(f.exposer.sync()).has_value());
  CHECK(f.published.size() == 2);
}

TEST_CASE("the one before is stopped when the connector runs the new rules and nobody is connected to it") {
  HandingOver f;
  boost::asio::ip::tcp::socket visitor(f.io);
  visitor.connect({boost::asio::ip::address_v4::loopback(), f.old_port.port()});
  const auto done = f.begin(1h);
  f.let_it_look(2);
  CHECK(f.public_port() == f.new_port.port());
  f.connector_runs = f.config_version - 1;
  f.let_it_look(2);
  CHECK(f.status_of("id-old") == Status::running);
  f.connector_runs = f.config_version;
  f.let_it_look(1);
  for (int i = 0; i < 100; ++i) f.io.run_one_for(3ms);
  CHECK_FALSE(*done);
  CHECK(f.status_of("id-old") == Status::running);
  visitor.close();
  f.old_port.close();  // and what the kernel had taken for it
  while (!*done) f.io.run_one();
  CHECK(f.status_of("id-old") == Status::stopped);
  CHECK(f.status_of("id-new") == Status::running);
}

TEST_CASE("a connector that never says what it runs keeps the one before for a while, not for ever") {
  HandingOver f;
  SUBCASE("it says nothing") {}
  SUBCASE("it stays behind") { f.connector_runs = 0; }
  SUBCASE("nor does the control plane") {
    f.says_version = false;
    f.connector_runs = 1'000;
  }
  SUBCASE("there is none") { f.context.connector_version = {}; }
  const auto done = f.begin(200ms);
  while (!*done) f.io.run_one();
  CHECK(f.status_of("id-old") == Status::stopped);
}

TEST_CASE("one that dies before it has taken the place leaves it to the one before") {
  HandingOver f;
  SUBCASE("before it is public") {
    f.deployments[1].status = Status::exited;
    const auto done = f.begin(1h);
    while (!*done) f.io.run_one();
  }
  SUBCASE("while visitors leave") {
    const auto done = f.begin(200ms);
    f.let_it_look(1);
    f.deployments[1].status = Status::exited;
    while (!*done) f.io.run_one();
  }
  CHECK(f.status_of("id-old") == Status::running);
  REQUIRE(f.run(f.exposer.sync()).has_value());
  CHECK(f.public_port() == f.old_port.port());
}

TEST_CASE("what was asked for later is not touched, nor is another app") {
  HandingOver f;
  f.deployments.insert(f.deployments.begin(), running("other"));
  auto later = HandingOver::at("id-later", f.new_port);
  later.status = Status::deploying;
  f.deployments.push_back(later);
  f.connector_runs = 1'000;
  const auto done = f.begin(1h);
  while (!*done) f.io.run_one();
  CHECK(f.status_of("id-old") == Status::stopped);
  CHECK(f.status_of("id-other") == Status::running);
  CHECK(f.status_of("id-later") == Status::deploying);
}

TEST_CASE("a control plane that is away does not end what serves") {
  HandingOver f;
  f.cp("POST /ingress/replace", [](const HttpRequest&) { return test::http_answer(503, "{}"); });
  f.connector_runs = 1'000;
  const auto done = f.begin(1ms);
  const auto calls = f.runtime_calls.size();
  while (f.runtime_calls.size() < calls + 8) f.io.run_one();
  CHECK_FALSE(*done);
  CHECK(f.status_of("id-old") == Status::running);
  f.cp_publishes();
  while (!*done) f.io.run_one();
  CHECK(f.status_of("id-old") == Status::stopped);
}

namespace {

struct RollingOver : HandingOver {
  Rollouts rollouts{context, exposer};

  RolloutPtr roll(std::chrono::milliseconds ready_timeout = 100ms) {
    Rollout start;
    start.id = "id-new";
    start.app_name = "app";
    start.replaced = "id-old";
    start.overlap = true;
    start.ready_timeout = ready_timeout;
    return rollouts.begin(std::move(start));
  }
  void settle(const RolloutPtr& rollout) {
    while (!rollout->settled) io.run_one();
  }
};

}  // namespace

TEST_CASE("a redeploy beside the one before that fails is stopped, and that never notices") {
  RollingOver f;
  f.new_port.close();
  const auto rollout = f.roll();
  f.settle(rollout);
  CHECK_FALSE(rollout->ready);
  CHECK(rollout->rolled_back);
  CHECK(f.status_of("id-new") == Status::stopped);
  CHECK(f.status_of("id-old") == Status::running);
  CHECK(f.redeployed.empty());
  CHECK(f.published.size() == 1);
}

TEST_CASE("a redeploy beside the one before that is ready takes its place") {
  RollingOver f;
  f.connector_runs = 1'000;
  const auto rollout = f.roll();
  f.settle(rollout);
  CHECK(rollout->ready);
  while (f.status_of("id-old") != Status::stopped) f.io.run_one();
  CHECK(f.public_port() == f.new_port.port());
}

TEST_CASE("one that somebody wants another in place of is stopped, ready or not") {
  RollingOver f;
  SUBCASE("ready") {}
  SUBCASE("not ready") { f.new_port.close(); }
  const auto rollout = f.roll(1h);
  f.rollouts.supersede("app", "deployment id-later took its place");
  f.settle(rollout);
  CHECK_FALSE(rollout->ready);
  CHECK(rollout->reason == "deployment id-later took its place");
  CHECK(f.status_of("id-new") == Status::stopped);
  CHECK(f.status_of("id-old") == Status::running);
}

TEST_CASE("an agent that is started again goes on with a redeploy that it finds under way") {
  RollingOver f;
  f.connector_runs = 1'000;
  auto boot = running("vm-app");
  boot.boot = true;
  auto ended = HandingOver::at("id-ended", f.old_port);
  ended.status = Status::exited;
  f.deployments.insert(f.deployments.begin(), {running("other"), boot, ended});
  net::spawn(f.io.get_executor(), f.rollouts.adopt(), "adoption");
  while (f.rollouts.find("id-new") == nullptr) f.io.run_one();
  CHECK(f.rollouts.find("id-old") == nullptr);
  CHECK(f.rollouts.find("id-other") == nullptr);
  const auto rollout = f.rollouts.find("id-new");
  REQUIRE(rollout != nullptr);
  CHECK(rollout->replaced.empty());  // nothing is started again for it
  f.settle(rollout);
  CHECK(rollout->ready);
  while (f.status_of("id-old") != Status::stopped) f.io.run_one();
}
