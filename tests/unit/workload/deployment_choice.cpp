#include "libdd/workload/deployment_choice.hpp"

#include <doctest/doctest.h>

#include "tests/support/char_text.hpp"
#include "tests/support/check_error.hpp"

using namespace dd;
using enum DeploymentStatus;

namespace {

std::vector<DeploymentInfo> apps(const std::vector<DeploymentStatus>& statuses) {
  std::vector<DeploymentInfo> all(2);
  all[0].app_name = "other";
  all[0].id = "other-id";
  all[0].status = running;
  all[1] = all[0];
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    DeploymentInfo info;
    info.app_name = "app";
    info.id = std::to_string(i);
    info.status = statuses[i];
    all.insert(all.end() - 1, std::move(info));
  }
  return all;
}

std::string id_of(const Result<DeploymentInfo>& found) { return found ? found->id : found.error().message; }

}  // namespace

TEST_CASE("who names an app means what runs of it, and by previous what was before") {
  const std::string none = "cannot find a deployment of app that is over";
  const struct {
    const char* name;
    std::vector<DeploymentStatus> statuses;
    std::string current;
    std::string previous;
  } cases[] = {
      {"one that runs", {running}, "0", none},
      {"a redeploy that failed", {running, failed}, "0", "1"},
      {"a redeploy that is being fetched", {running, deploying}, "0", none},
      {"a redeploy that runs", {stopped, running}, "1", "0"},
      {"a first deploy", {deploying}, "0", none},
      {"a deploy after one that crashed", {exited, deploying}, "1", "0"},
      {"nothing runs any more", {exited, completed, failed}, "2", "1"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto all = apps(c.statuses);
    CHECK(id_of(choose_deployment(all, "app")) == c.current);
    CHECK(id_of(choose_deployment(all, "app", {.previous = true})) == c.previous);
  }
}

TEST_CASE("an id is of that app or it is not found") {
  const auto all = apps({stopped, running});
  CHECK(id_of(choose_deployment(all, "app", {.id = "0"})) == "0");
  CHECK(id_of(choose_deployment(all, "app", {.id = "1"})) == "1");
  test::check_error(choose_deployment(all, "app", {.id = "other-id"}), ErrorCode::not_found, "", "other-id of app app");
  test::check_error(choose_deployment(all, "app-2"), ErrorCode::not_found, "", "app-2");
  test::check_error(choose_deployment({}, "app"), ErrorCode::not_found);
}
