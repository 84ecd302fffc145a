// Two deployments of one app, while one takes the place of the other.
#include <csignal>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/enclave/ports.hpp"
#include "tests/unit/enclave/running_enclave.hpp"

using namespace dd;
using dd::test::RunningEnclave;
using Status = DeploymentStatus;

namespace {

const Json kBeside = {{"overlap", true}};

Json beside_exposing(std::uint16_t port) {
  auto more = test::exposing(port);
  more["overlap"] = true;
  return more;
}

/// The process that a probe says it left, once it says so.
pid_t left_by(RunningEnclave& enclave, const std::string& id, const std::string& word) {
  const auto line = enclave.line(id, word);
  REQUIRE_MESSAGE(!line.empty(), "deployment " << id << " never said: " << word);
  return static_cast<pid_t>(std::stol(line.substr(word.size())));
}

}  // namespace

TEST_CASE("with overlap the one before runs on until it is stopped, and without it goes first") {
  RunningEnclave enclave;
  const auto old = enclave.settled(enclave.deploy("app", {"sleep", "1000"}));
  const auto next = enclave.settled(enclave.deploy("app", {"sleep", "1000"}, kBeside));
  CHECK(enclave.info(old.id).status == Status::running);
  CHECK(next.status == Status::running);
  CHECK(next.uid == old.uid);
  CHECK(enclave.call({{"method", "stop"}, {"id", old.id}}).at("ok") == true);
  CHECK(enclave.info(old.id).status == Status::stopped);
  CHECK(enclave.info(next.id).status == Status::running);

  const auto third = enclave.settled(enclave.deploy("app", {"sleep", "1000"}, kBeside));
  const auto last = enclave.settled(enclave.deploy("app", {"sleep", "1000"}, {{"overlap", false}}));
  for (const auto& one : {next, third}) CHECK(enclave.info(one.id).status == Status::stopped);
  CHECK(last.status == Status::running);
}

TEST_CASE("each of two deployments of an app has its own listeners, wherever in its family") {
  if (test::kNoRoot) return;  // nothing tells whose a process is that left its session
  RunningEnclave enclave;
  const auto old_port = test::free_port();
  const auto new_port = test::free_port();
  for (const std::string verb : {"listen", "listen-away"}) {
    CAPTURE(verb);
    const auto app = "app-" + verb;
    const auto old =
        test::wait_for(enclave, enclave.deploy(app, test::probing(verb, old_port), test::exposing(old_port)));
    const auto next =
        test::wait_for(enclave, enclave.deploy(app, test::probing(verb, new_port), beside_exposing(new_port)));
    CHECK(next.listeners == std::vector<ListenAddress>{{"127.0.0.1", new_port}});
    CHECK(test::listeners_of(enclave, old.id) == std::vector<ListenAddress>{{"127.0.0.1", old_port}});
    // What the one before listens on says nothing about this one.
    const auto idle = enclave.deploy(app, {"sleep", "1000"}, beside_exposing(old_port));
    CHECK_FALSE(listens_on(test::wait_for(enclave, idle, "listening", 50), old_port));
    for (const auto& id : {old.id, next.id, idle}) enclave.call({{"method", "stop"}, {"id", id}});
  }
}

TEST_CASE("what a deployment left behind goes with it, and nothing of the one beside it") {
  if (test::kNoRoot) return;
  RunningEnclave enclave;
  const auto old = enclave.settled(enclave.deploy("app", {DD_PROBE, "leave-group"}));
  const auto old_away = left_by(enclave, old.id, "away ");
  const auto next = enclave.settled(enclave.deploy("app", {DD_PROBE, "leave-group"}, kBeside));
  const auto next_away = left_by(enclave, next.id, "away ");
  const auto guest = enclave.call(
      {{"method", "exec"}, {"app", "app"}, {"cmd", {"sh", "-c", "echo $DD_DEPLOYMENT_ID; sleep 1000 & echo $!"}}});
  REQUIRE_MESSAGE(guest.at("ok") == true, guest.dump());
  const auto said = guest.at("stdout").get<std::string>();
  CHECK(said.starts_with(next.id + "\n"));

  CHECK(enclave.call({{"method", "stop"}, {"id", old.id}}).at("ok") == true);
  CHECK_FALSE(test::process_lives(old_away));
  CHECK(test::process_lives(next_away));
  CHECK(test::process_lives(static_cast<pid_t>(*enclave.info(next.id).pid)));

  CHECK(enclave.call({{"method", "stop"}, {"id", next.id}}).at("ok") == true);
  CHECK_FALSE(test::process_lives(next_away));
}

TEST_CASE("a process that nothing tells apart goes with the last deployment of its uid, not with the first") {
  if (test::kNoRoot) return;
  RunningEnclave enclave;
  const auto old = enclave.settled(enclave.deploy("app", {"sleep", "1000"}));
  // An orphan in a session of its own that has lost its environment, and a child that has and whose parent has not.
  const auto next = enclave.settled(
      enclave.deploy("app",
                     {"sh", "-c",
                      "(setsid env -i sh -c 'echo orphan $$; exec sleep 1000' &) ; (setsid sh -c 'env -i sh -c \"echo "
                      "child \\$\\$; exec sleep 1000\"; sleep 1000' &); exec sleep 1000"},
                     kBeside));
  const auto orphan = left_by(enclave, next.id, "orphan ");
  const auto child = left_by(enclave, next.id, "child ");
  CHECK(enclave.call({{"method", "stop"}, {"id", old.id}}).at("ok") == true);
  CHECK(test::process_lives(orphan));
  CHECK(test::process_lives(child));
  CHECK(enclave.call({{"method", "stop"}, {"id", next.id}}).at("ok") == true);
  CHECK_FALSE(test::process_lives(orphan));
  CHECK_FALSE(test::process_lives(child));
}

TEST_CASE("a process that nothing tells apart goes also when both deployments of its uid end at once") {
  if (test::kNoRoot) return;
  RunningEnclave enclave;
  const auto old = enclave.settled(enclave.deploy("app", {"sleep", "1000"}));
  const auto next = enclave.settled(enclave.deploy(
      "app", {"sh", "-c", "(setsid env -i sh -c 'echo orphan $$; exec sleep 1000' &) ; exec sleep 1000"}, kBeside));
  const auto orphan = left_by(enclave, next.id, "orphan ");
  for (const auto& one : {old, next}) CHECK(kill(static_cast<pid_t>(*one.pid), SIGKILL) == 0);
  for (const auto& one : {old, next}) CHECK(enclave.finished(one.id).signal == SIGKILL);
  CHECK(test::eventually([orphan] { return !test::process_lives(orphan); }));
}

TEST_CASE("the one before goes first where it is privileged, and a privileged one cannot overlap") {
  RunningEnclave enclave;
  const auto old = enclave.settled(enclave.deploy("app", {"sleep", "1000"}, {{"privileged", true}}));
  const auto next = enclave.settled(enclave.deploy("app", {"sleep", "1000"}, kBeside));
  CHECK(next.status == Status::running);
  CHECK(enclave.info(old.id).status == Status::stopped);
  Json refused = {
      {"method", "deploy"}, {"app_name", "app"}, {"cmd", {"true"}}, {"privileged", true}, {"overlap", true}};
  CHECK(enclave.call(refused).at("code") == "invalid_argument");
}

TEST_CASE("what is deployed again takes the place of what runs") {
  RunningEnclave enclave;
  const auto old = enclave.settled(enclave.deploy("app", {"sleep", "1000"}));
  const auto next = enclave.settled(enclave.deploy("app", {"sleep", "1000"}, kBeside));
  const auto again = enclave.call({{"method", "redeploy"}, {"id", next.id}});
  REQUIRE_MESSAGE(again.at("ok") == true, again.dump());
  CHECK(enclave.settled(again.at("id").get<std::string>()).status == Status::running);
  for (const auto& one : {old, next}) CHECK(enclave.info(one.id).status == Status::stopped);
}
