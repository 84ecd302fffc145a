#include "libdd/enclave/deployment.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::enclave;

namespace {

DeploymentPtr record(const std::string& app, DeploymentStatus status, bool boot = false) {
  static int count = 0;
  const auto deployment = std::make_shared<Deployment>();
  deployment->info.id = std::to_string(++count);
  deployment->info.app_name = app;
  deployment->info.status = status;
  deployment->info.boot = boot;
  return deployment;
}

}  // namespace

TEST_CASE("an app keeps its newest finished records") {
  Deployments deployments;
  for (std::size_t i = 0; i < Deployments::kFinishedPerApp + 3; ++i)
    deployments.add(record("a", DeploymentStatus::exited));
  const auto fourth = deployments.all()[3];
  deployments.drop_old();
  CHECK(deployments.all().size() == Deployments::kFinishedPerApp);
  CHECK(deployments.all().front() == fourth);
}

TEST_CASE("all apps together keep a bounded number of finished records") {
  Deployments deployments;
  for (int i = 0; i < 1000; ++i) deployments.add(record("app" + std::to_string(i % 100), DeploymentStatus::failed));
  deployments.drop_old();
  CHECK(deployments.all().size() == Deployments::kFinished);
}

TEST_CASE("what lives and what was there at boot is never dropped") {
  Deployments deployments;
  deployments.add(record("boot", DeploymentStatus::exited, true));
  for (int i = 0; i < 300; ++i) deployments.add(record("live", DeploymentStatus::running));
  for (int i = 0; i < 300; ++i) deployments.add(record("done", DeploymentStatus::stopped));
  deployments.drop_old();
  CHECK(deployments.all().size() == 1 + 300 + Deployments::kFinishedPerApp);
  for (const auto* name : {"boot", "boot.", "boot.."}) CHECK(deployments.is_boot_name(name));
  CHECK_FALSE(deployments.is_boot_name("live"));
}

TEST_CASE("live records are found by app, any record by id") {
  Deployments deployments;
  const auto old = record("a", DeploymentStatus::exited);
  const auto current = record("a", DeploymentStatus::running);
  for (const auto& d : {old, current, record("b", DeploymentStatus::deploying)}) deployments.add(d);
  CHECK(deployments.live("a") == std::vector{current});
  CHECK(deployments.find(old->info.id) == old);
  CHECK(deployments.find("none") == nullptr);
}
