#include "libdd/protocol/workload_event.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "libdd/attest/boot_workloads.hpp"

using namespace dd;
using namespace dd::protocol;

TEST_CASE("what a runtime logs of a boot workload is what a policy is written from") {
  DeployRequest request;
  request.app_name = "web";
  request.cmd = {"web"};
  request.env = {{"DD_OWNER", "octo"}, {"SECRET", "s"}, {"LD_PRELOAD", "/a.so"}};
  const std::vector<ListenSocket> listen = {{"http", 80}};
  std::vector<std::string> names;
  for (const auto salt : {std::byte{1}, std::byte{2}}) {
    auto event = workload_event(request, "sha256:" + std::string(64, 'd'), Bytes(32, salt));
    add_boot_members(event, {BootWorkload::Role::cp, true, listen});
    CHECK(event.at("env").at("LD_PRELOAD") == "/a.so");
    CHECK(event.at("role") == "cp");
    CHECK(event.at("listen").at(0).at("port") == 80);
    names.push_back(attest::boot_workload(event).value());
  }
  CHECK(names[0] == names[1]);
}
