#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "dd/workload.hpp"

using namespace dd;
using Json = nlohmann::json;

namespace {

DeploymentInfo finished() {
  DeploymentInfo info;
  info.id = "0b6b2c1e-7f8f-4f0e-9a58-0f0f4c8a2d11";
  info.pid = 4711;
  info.app_name = "hello";
  info.source = "hello 18080";
  info.status = DeploymentStatus::failed;
  info.error_message = "cannot start hello";
  info.started_at = "2026-05-01T10:00:00Z";
  info.exited_at = "2026-05-01T10:00:01Z";
  info.exit_code = 127;
  info.signal = 9;
  info.digest = "sha256:00";
  info.uid = 20001;
  info.privileged = true;
  info.boot = true;
  info.expose = {{"hello", 18080, ServiceProtocol::http}};
  info.rollback_of = "0b6b2c1e";
  info.repeats = "0a";
  info.listeners = {{"127.0.0.1", 18080}, {"::", 18081}};
  return info;
}

}  // namespace

TEST_CASE("a deployment is read back as it was written") {
  CHECK(deployment_info_from(to_json_value(finished())).value() == finished());
  DeploymentInfo bare;
  bare.id = "1";
  bare.app_name = "a";
  CHECK(deployment_info_from(to_json_value(bare)).value() == bare);
  bare.listeners.emplace();
  CHECK(deployment_info_from(to_json_value(bare)).value() == bare);
  CHECK_FALSE(listens_on(bare, 18080));
  CHECK(listens_on(finished(), 18081));
  CHECK_FALSE(listens_on(finished(), 18082));
}

TEST_CASE("a deployment is written as easyenclave's clients expect it") {
  DeploymentInfo info;
  info.id = "1";
  info.app_name = "a";
  const auto value = to_json_value(info);
  CHECK(value.at("pid").is_null());
  CHECK(value.at("status") == "deploying");
  CHECK_FALSE(value.contains("error_message"));
  CHECK_FALSE(value.contains("exit_code"));
  CHECK_FALSE(value.contains("exited_at"));
}

TEST_CASE("an upstream runtime's deployment is read, unknown members and statuses too") {
  const auto info =
      deployment_info_from(
          Json::parse(R"({"id":"1","pid":null,"app_name":"unnamed","source":"o/r@latest","status":"restarting",
      "started_at":"2026-05-01T10:00:00+00:00","restarts":3,"image":null})"))
          .value();
  CHECK(info.status == DeploymentStatus::exited);
  CHECK_FALSE(info.pid.has_value());
  CHECK(info.source == "o/r@latest");
  CHECK_FALSE(info.privileged);
}

TEST_CASE("a deployment of the wrong shape is refused with the path") {
  const struct {
    std::string name;
    const char* member;
    Json value;
  } cases[] = {
      {"no id", "id", nullptr},
      {"empty id", "id", ""},
      {"text as pid", "pid", "1"},
      {"negative pid", "pid", -1},
      {"no name", "app_name", nullptr},
      {"no status", "status", nullptr},
      {"number as status", "status", 1},
      {"text as exit code", "exit_code", "0"},
      {"no id as rollback_of", "rollback_of", ""},
      {"object as listeners", "listeners", Json::object()},
      {"huge signal", "signal", 1LL << 40},
      {"text as boot", "boot", "true"},
      {"number as expose", "expose", 1},
      {"text as uid", "uid", "0"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    auto value = to_json_value(finished());
    value[c.member] = c.value;
    const auto info = deployment_info_from(value);
    REQUIRE_FALSE(info.has_value());
    CHECK(info.error().path == std::string("$.") + c.member);
  }
}

TEST_CASE("every status has one name and finds its way back") {
  for (const auto status : {DeploymentStatus::deploying, DeploymentStatus::running, DeploymentStatus::completed,
                            DeploymentStatus::exited, DeploymentStatus::failed, DeploymentStatus::stopped})
    CHECK(deployment_status_from(to_string(status)) == status);
  CHECK_FALSE(deployment_status_from("Running").has_value());
}

TEST_CASE("only deploying and running deployments live") {
  CHECK(is_live(DeploymentStatus::deploying));
  CHECK(is_live(DeploymentStatus::running));
  CHECK_FALSE(is_live(DeploymentStatus::completed));
  CHECK_FALSE(is_live(DeploymentStatus::exited));
  CHECK_FALSE(is_live(DeploymentStatus::failed));
  CHECK_FALSE(is_live(DeploymentStatus::stopped));
}
