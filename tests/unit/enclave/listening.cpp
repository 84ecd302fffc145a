// Who holds a port, and the wait for it.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/enclave/ports.hpp"
#include "tests/unit/enclave/running_enclave.hpp"

using namespace dd;
using dd::test::exposing;
using dd::test::free_port;
using dd::test::HeldPort;
using dd::test::listeners_of;
using dd::test::probing;
using dd::test::RunningEnclave;
using dd::test::wait_for;

TEST_CASE("a wait ends when the deployment itself listens, wherever in its family") {
  RunningEnclave enclave;
  for (const std::string verb : {"listen", "listen-away"}) {
    if (verb == "listen-away" && test::kNoRoot) continue;  // nothing tells whose that is
    CAPTURE(verb);
    const auto port = free_port();
    const auto info = wait_for(enclave, enclave.deploy("app-" + verb, probing(verb, port), exposing(port)));
    CHECK(info.status == DeploymentStatus::running);
    CHECK(info.listeners == std::vector<ListenAddress>{{"127.0.0.1", port}});
    CHECK(listeners_of(enclave, info.id) == info.listeners);
  }
}

TEST_CASE("a privileged deployment also holds what came since its start and is nobody else's") {
  RunningEnclave enclave;
  const auto port = free_port();
  auto request = exposing(port);
  request["privileged"] = true;
  const auto other_port = free_port();
  const auto other = enclave.deploy("other", probing("listen", other_port), exposing(other_port));
  const auto info = wait_for(enclave, enclave.deploy("app", probing("listen-away", port), request));
  CHECK(listens_on(info, port));
  CHECK_FALSE(listens_on(wait_for(enclave, other), port));
  CHECK_FALSE(listens_on(wait_for(enclave, info.id), other_port));
  const HeldPort of_the_runtime;
  CHECK_FALSE(listens_on(wait_for(enclave, info.id), of_the_runtime.port));
}

TEST_CASE("a port that another one holds is not the deployment's") {
  RunningEnclave enclave;
  const HeldPort held;
  const auto id = enclave.deploy("app", {"sleep", "1000"}, exposing(held.port));
  const auto info = wait_for(enclave, id, "listening", 50);
  CHECK(info.status == DeploymentStatus::running);
  CHECK(info.listeners == std::vector<ListenAddress>{});

  const auto port = free_port();
  const auto holder = wait_for(enclave, enclave.deploy("holder-app", probing("listen", port), exposing(port)));
  CHECK(listens_on(holder, port));
  CHECK_FALSE(
      listens_on(wait_for(enclave, enclave.deploy("late", {"sleep", "1000"}, exposing(port)), "listening", 50), port));
}

TEST_CASE("a wait ends with the deployment, and says what became of it") {
  RunningEnclave enclave;
  const auto crashed = wait_for(enclave, enclave.deploy("app", {"sh", "-c", "exit 3"}, exposing(free_port())));
  CHECK(crashed.status == DeploymentStatus::exited);
  CHECK(crashed.exit_code == 3);
  CHECK_FALSE(crashed.listeners.has_value());
  CHECK(wait_for(enclave, enclave.deploy("app", {"no-such-program"})).status == DeploymentStatus::failed);

  const auto id = enclave.deploy("app", {"sleep", "1000"});
  CHECK(wait_for(enclave, id).status == DeploymentStatus::running);  // it has no port to listen on
  CHECK(wait_for(enclave, id, "ended", 10).status == DeploymentStatus::running);
  const auto short_one = enclave.deploy("short", {"sleep", "0.05"});
  CHECK(wait_for(enclave, short_one, "ended").exit_code == 0);
}

TEST_CASE("a wait for nothing that there is, or could be, is refused") {
  RunningEnclave enclave;
  CHECK(enclave.call({{"method", "wait"}, {"id", "none"}}).at("error") == "deployment not found");
  CHECK(enclave.call({{"method", "wait"}}).at("error") == "missing id");
  const auto id = enclave.deploy("app", {"sleep", "1000"});
  CHECK(enclave.call({{"method", "wait"}, {"id", id}, {"until", "green"}}).at("code") == "invalid_argument");
  for (const auto& timeout : {Json(-1), Json(600'001), Json("1s")}) {
    CAPTURE(timeout.dump());
    CHECK(enclave.call({{"method", "wait"}, {"id", id}, {"timeout_ms", timeout}}).at("ok") == false);
  }
}

TEST_CASE("a list says where its deployments listen only when it is asked for") {
  RunningEnclave enclave;
  const auto id = enclave.deploy("app", {"sleep", "1000"});
  wait_for(enclave, id);
  CHECK_FALSE(enclave.info(id).listeners.has_value());
  CHECK(listeners_of(enclave, id).empty());
}
