#include <doctest/doctest.h>

#include <string>

#include "dd/workload.hpp"

using namespace dd;

TEST_CASE("boot workloads are read in order with role and token") {
  const auto workloads = parse_boot_workloads(R"([
      {"app_name":"connector","cmd":["/usr/bin/cloudflared"],"role":"connector"},
      {"app_name":"dd-agent","cmd":["dd-agent"],"role":"agent","inherit_token":true,"env":["DD_OWNER=o"]},
      {"app_name":"web","cmd":["web"],"expose":{"hostname_label":"web","port":80},"privileged":true}])")
                             .value();
  REQUIRE(workloads.size() == 3);
  CHECK(workloads[0].role == BootWorkload::Role::connector);
  CHECK_FALSE(workloads[0].inherit_token);
  CHECK(workloads[1].role == BootWorkload::Role::agent);
  CHECK(workloads[1].inherit_token);
  CHECK(workloads[1].request == DeployRequest{"dd-agent", {"dd-agent"}, {{"DD_OWNER", "o"}}, {}, false, false, {}});
  CHECK(workloads[2].role == BootWorkload::Role::none);
  CHECK(workloads[2].request.privileged);
  CHECK(workloads[2].request.expose == std::vector<Expose>{{"web", 80, ServiceProtocol::http}});
}

TEST_CASE("the earlier system's boot specs name no role: the name stands for it") {
  const auto workloads = parse_boot_workloads(R"([{"app_name":"cloudflared","cmd":["cloudflared"]},
      {"app_name":"dd-management","cmd":["devopsdefender"]},{"app_name":"dd-agent","cmd":["devopsdefender","agent"]},
      {"app_name":"other","cmd":["x"]}])")
                             .value();
  REQUIRE(workloads.size() == 4);
  CHECK(workloads[0].role == BootWorkload::Role::connector);
  CHECK(workloads[1].role == BootWorkload::Role::cp);
  CHECK(workloads[1].inherit_token);
  CHECK(workloads[2].role == BootWorkload::Role::agent);
  CHECK(workloads[2].inherit_token);
  CHECK(workloads[3].role == BootWorkload::Role::none);
  CHECK_FALSE(workloads[3].inherit_token);
}

TEST_CASE("what a boot workload says of itself goes before its name") {
  const auto workloads = parse_boot_workloads(R"([{"app_name":"dd-agent","cmd":["x"],"role":"cp"},
      {"app_name":"mine","cmd":["x"],"role":"agent"},{"app_name":"cloudflared","cmd":["x"],"role":"connector"}])")
                             .value();
  CHECK(workloads[0].role == BootWorkload::Role::cp);
  CHECK_FALSE(workloads[0].inherit_token);
  CHECK_FALSE(workloads[1].inherit_token);
  CHECK_FALSE(
      parse_boot_workloads(R"([{"app_name":"dd-agent","cmd":["x"],"inherit_token":false}])").value()[0].inherit_token);
  CHECK_FALSE(
      parse_boot_workloads(R"([{"app_name":"dd-agent","cmd":["x"]},{"app_name":"b","cmd":["x"],"role":"agent"}])")
          .has_value());
}

TEST_CASE("a runtime may boot nothing") { CHECK(parse_boot_workloads("[]").value().empty()); }

TEST_CASE("several boot workloads may have no role") {
  CHECK(parse_boot_workloads(R"([{"app_name":"a","cmd":["x"]},{"app_name":"b","cmd":["x"]}])").has_value());
}

TEST_CASE("what a boot workload listens on is what it says, else what the settings of its role say") {
  using Listen = std::vector<ListenSocket>;
  const struct {
    const char* name;
    const char* members;
    Listen listen;
    bool by_default;
  } rows[] = {
      {"nothing", R"("role":"agent")", {{"http", 8080}}, true},
      {"a port in the settings", R"("role":"agent","env":["DD_PORT=9000","DD_COMPAT_PORT=1"])", {{"http", 9000}}, true},
      {"any port", R"("role":"cp","env":["DD_PORT=0"])", {{"http", 0}}, true},
      {"two listeners",
       R"("role":"cp","env":["DD_COMPAT_PORT=8081","DD_COMPAT=seed"])",
       {{"http", 8080}, {"compat", 8081}},
       true},
      {"one that is off", R"("role":"cp","env":["DD_COMPAT_PORT=8081","DD_COMPAT=off"])", {{"http", 8080}}, true},
      {"an own address", R"("role":"cp","env":["DD_ADDRESS=0.0.0.0"])", {}, true},
      {"the same address", R"("role":"cp","env":["DD_ADDRESS=127.0.0.1"])", {{"http", 8080}}, true},
      {"no port", R"("role":"cp","env":["DD_PORT=http"])", {{"http", 8080}}, true},
      {"none", R"("role":"agent","listen":[])", {}, false},
      {"its own",
       R"("role":"agent","env":["DD_PORT=1"],"listen":[{"name":"a","port":1},{"name":"b","port":0}])",
       {{"a", 1}, {"b", 0}},
       false},
      {"no role", R"("env":["DD_PORT=9000"])", {}, false},
      {"no role and a port", R"("listen":[{"name":"web","port":80}])", {{"web", 80}}, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto read = parse_boot_workloads(R"([{"app_name":"a","cmd":["x"],)" + std::string(row.members) + "}]");
    REQUIRE(read.has_value());
    CHECK(read->front().listen == row.listen);
    CHECK(read->front().listen_by_default == row.by_default);
  }
  // Of the earlier system's programs nothing is known.
  CHECK(parse_boot_workloads(R"([{"app_name":"dd-agent","cmd":["x"],"env":["DD_PORT=1"]}])").value()[0].listen.empty());
}

TEST_CASE("malformed boot workloads are refused with the path of the field at fault") {
  std::string many = "[";
  for (int i = 0; i < 65; ++i)
    many += (i == 0 ? R"({"app_name":"a)" : R"(,{"app_name":"a)") + std::to_string(i) + R"(","cmd":["x"]})";
  const struct {
    std::string name;
    std::string text;
    const char* path;
    ErrorCode code;
  } cases[] = {
      {"not JSON", "[", "$", ErrorCode::malformed},
      {"an object", "{}", "$", ErrorCode::malformed},
      {"65 of them", many + "]", "$", ErrorCode::invalid_argument},
      {"an agent without a command", R"([{"app_name":"a","role":"agent","github_release":{"repo":"a/b","asset":"c"}}])",
       "$[0].cmd", ErrorCode::invalid_argument},
      {"a text in the list", R"(["dd-agent"])", "$[0]", ErrorCode::malformed},
      {"unknown member", R"([{"app_name":"a","cmd":["x"],"post_deploy":[]}])", "$[0].post_deploy",
       ErrorCode::invalid_argument},
      {"unknown member in expose",
       R"([{"app_name":"a","cmd":["x"],"expose":[{"hostname_label":"a","port":1,"tls":true}]}])", "$[0].expose[0].tls",
       ErrorCode::invalid_argument},
      {"unknown role", R"([{"app_name":"a","cmd":["x"],"role":"root"}])", "$[0].role", ErrorCode::invalid_argument},
      {"none as role", R"([{"app_name":"a","cmd":["x"],"role":"none"}])", "$[0].role", ErrorCode::invalid_argument},
      {"list as role", R"([{"app_name":"a","cmd":["x"],"role":["agent"]}])", "$[0].role", ErrorCode::malformed},
      {"text as inherit_token", R"([{"app_name":"a","cmd":["x"],"inherit_token":"yes"}])", "$[0].inherit_token",
       ErrorCode::malformed},
      {"a port alone to listen on", R"([{"app_name":"a","cmd":["x"],"listen":[80]}])", "$[0].listen[0]",
       ErrorCode::malformed},
      {"one port that is no list", R"([{"app_name":"a","cmd":["x"],"listen":{"name":"a","port":80}}])", "$[0].listen",
       ErrorCode::malformed},
      {"a name that ends a list of names", R"([{"app_name":"a","cmd":["x"],"listen":[{"name":"a:b","port":80}]}])",
       "$[0].listen[0].name", ErrorCode::invalid_argument},
      {"one name for two ports",
       R"([{"app_name":"a","cmd":["x"],"listen":[{"name":"a","port":80},{"name":"a","port":81}]}])",
       "$[0].listen[1].name", ErrorCode::invalid_argument},
      {"one port with two names",
       R"([{"app_name":"a","cmd":["x"],"listen":[{"name":"a","port":80},{"name":"b","port":80}]}])",
       "$[0].listen[1].name", ErrorCode::invalid_argument},
      {"an address to listen on",
       R"([{"app_name":"a","cmd":["x"],"listen":[{"name":"a","port":80,"address":"0.0.0.0"}]}])",
       "$[0].listen[0].address", ErrorCode::invalid_argument},
      {"a connector that listens", R"([{"app_name":"a","cmd":["x"],"role":"connector","listen":[]}])", "$[0].listen",
       ErrorCode::invalid_argument},
      {"second one wrong", R"([{"app_name":"a","cmd":["x"]},{"app_name":"b"}])", "$[1].cmd", ErrorCode::malformed},
      {"the same name twice", R"([{"app_name":"a","cmd":["x"]},{"app_name":"a","cmd":["y"]}])", "$[1].app_name",
       ErrorCode::invalid_argument},
      {"the same role twice", R"([{"app_name":"a","cmd":["x"],"role":"cp"},{"app_name":"b","cmd":["x"],"role":"cp"}])",
       "$[1].role", ErrorCode::invalid_argument},
      {"a release without its repository", R"([{"app_name":"a","cmd":["x"],"github_release":{}}])",
       "$[0].github_release.repo", ErrorCode::malformed},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto workloads = parse_boot_workloads(c.text);
    REQUIRE_FALSE(workloads.has_value());
    CHECK(workloads.error().path == c.path);
    CHECK(to_string(workloads.error().code) == to_string(c.code));
    CHECK(workloads.error().message.starts_with("cannot "));
  }
}

TEST_CASE("roles have the names that the configuration uses") {
  CHECK(to_string(BootWorkload::Role::agent) == "agent");
  CHECK(to_string(BootWorkload::Role::cp) == "cp");
  CHECK(to_string(BootWorkload::Role::connector) == "connector");
  CHECK(to_string(BootWorkload::Role::none) == "none");
}
