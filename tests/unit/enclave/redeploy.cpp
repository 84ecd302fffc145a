// What ran is started again as a deployment of its own.
#include <fstream>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/enclave/running_enclave.hpp"
#include "tests/unit/local/releases.hpp"

using namespace dd;
using dd::test::RunningEnclave;
using Status = DeploymentStatus;

namespace {

Json redeploy_request(const std::string& id) { return {{"method", "redeploy"}, {"id", id}}; }

std::string redeploy(RunningEnclave& enclave, Json request) {
  const auto answer = enclave.call(std::move(request));
  REQUIRE_MESSAGE(answer.at("ok") == true, answer.dump());
  return answer.at("id").get<std::string>();
}

void write_script(const std::filesystem::path& path, const std::string& says) {
  std::ofstream(path) << "#!/bin/sh\necho " << says << " $1 $NAME\n";
  std::filesystem::permissions(path, std::filesystem::perms(0755));
}

/// Shows the event log once the file "go" is in its folder.
Json agent_that_shows_the_log() {
  return Json::array({{{"app_name", "dd-agent"},
                       {"role", "agent"},
                       {"cmd",
                        {"sh", "-c",
                         "while [ ! -e go ]; do sleep 0.02; done; " DD_PROBE
                         " capability '{\"method\":\"log\",\"from\":0}'; sleep 1000"}}}});
}

}  // namespace

TEST_CASE("what ran is deployed again with the same request and the very same bytes") {
  RunningEnclave enclave(agent_that_shows_the_log());
  const TempDir folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  const auto script = (folder.path() / "script").string();
  write_script(script, "old");
  const auto first = enclave.finished(enclave.deploy("app", {script, "x"}, {{"env", {"NAME=y"}}}));
  write_script(script, "new");

  auto request = redeploy_request(first.id);
  request["rollback_of"] = "id-that-failed";
  const auto again = enclave.finished(redeploy(enclave, request));
  CHECK(again.id != first.id);
  CHECK(again.app_name == "app");
  CHECK(again.digest == first.digest);
  CHECK(again.rollback_of == "id-that-failed");
  CHECK(enclave.logs(again.id) == std::vector<std::string>{"old x y"});
  CHECK(enclave.finished(redeploy(enclave, redeploy_request(again.id))).rollback_of.empty());

  const auto agent = enclave.find("dd-agent").id;
  std::ofstream(enclave.data() / "work" / "dd-agent" / "go") << "go";
  const auto events = parse_json(enclave.line(agent, "{")).value().at("events");
  REQUIRE(events.size() >= 3);
  const auto& event = events[events.size() - 2];
  CHECK(event.at("type") == "deploy");
  CHECK(event.at("id") == again.id);
  CHECK(event.at("digest") == first.digest);
  CHECK(event.at("rollback_of") == "id-that-failed");
  CHECK_FALSE(events.back().contains("rollback_of"));
}

TEST_CASE("a redeploy takes the place of what runs") {
  RunningEnclave enclave;
  const auto first = enclave.settled(enclave.deploy("app", {"sleep", "1000"})).id;
  const auto second = enclave.settled(enclave.deploy("app", {"sleep", "1001"})).id;
  const auto again = enclave.settled(redeploy(enclave, redeploy_request(first)));
  CHECK(again.status == Status::running);
  CHECK(again.source == "sleep 1000");
  CHECK(enclave.info(second).status == Status::stopped);
}

TEST_CASE("of a release what was found then runs again, whatever is the latest now") {
  test::Releases releases;
  releases.add("acme/tool", "v1", "tool", "#!/bin/sh\necho first\n");
  RunningEnclave enclave(Json::array(), std::chrono::seconds(5), [&releases](EnclaveOptions& options) {
    options.github_api_url = releases.api_url();
    options.fetch_program = DD_FETCH;
  });
  const Json from = {{"github_release", {{"repo", "acme/tool"}, {"asset", "tool"}}}};
  const auto first = enclave.finished(enclave.deploy("app", {"tool"}, from));
  REQUIRE(first.status == Status::exited);
  releases.add("acme/tool", "v2", "tool", "#!/bin/sh\necho second\n");
  const auto asked = releases.server().faults().requests();
  const auto again = enclave.finished(redeploy(enclave, redeploy_request(first.id)));
  CHECK(again.digest == first.digest);
  CHECK(again.source == "acme/tool@latest");
  CHECK(enclave.logs(again.id).back() == "first");
  CHECK(releases.server().faults().requests() == asked);
}

TEST_CASE("what never ran, is the platform's or was never there is not deployed again") {
  RunningEnclave enclave;
  const auto failed = enclave.finished(enclave.deploy("app", {"no-such-program"}));
  REQUIRE(failed.status == Status::failed);
  CHECK(enclave.call(redeploy_request(failed.id)).at("code") == "conflict");
  CHECK(enclave.call(redeploy_request("none")).at("code") == "not_found");
  CHECK(enclave.call(redeploy_request(enclave.find("holder").id)).at("reason") == "reserved_name");
  CHECK(enclave.call({{"method", "redeploy"}}).at("error") == "missing id");
  auto empty = redeploy_request(failed.id);
  empty["rollback_of"] = "";
  CHECK(enclave.call(empty).at("code") == "invalid_argument");
}
