#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "dd/workload.hpp"

using namespace dd;

TEST_CASE("a deploy request is read with its defaults") {
  const auto request = parse_deploy_request(R"({"app_name":"hello","cmd":["hello","18080"]})").value();
  CHECK(request.app_name == "hello");
  CHECK(request.cmd == std::vector<std::string>{"hello", "18080"});
  CHECK(request.env.empty());
  CHECK(request.expose.empty());
  CHECK_FALSE(request.privileged);
  CHECK(request.unknown.empty());
}

TEST_CASE("each member of a deploy request is read") {
  const auto request =
      parse_deploy_request(
          R"({"app_name":"a","cmd":["/bin/x",""],"env":["A=1","_b=x=y","C="],"privileged":true,"tty":true,
      "expose":[{"hostname_label":"one","port":1},{"hostname_label":"two","port":65535,"protocol":"tcp"}]})")
          .value();
  CHECK(request.cmd == std::vector<std::string>{"/bin/x", ""});
  CHECK(request.env == std::vector<std::pair<std::string, std::string>>{{"A", "1"}, {"_b", "x=y"}, {"C", ""}});
  CHECK(request.privileged);
  CHECK(request.tty);
  CHECK(request.expose == std::vector<Expose>{{"one", 1, ServiceProtocol::http}, {"two", 65535, ServiceProtocol::tcp}});
}

TEST_CASE("how long a deployment may take, and what then, is read and written") {
  const auto usual = parse_deploy_request(R"({"app_name":"a","cmd":["x"]})").value();
  CHECK(usual.ready_timeout == std::chrono::seconds(60));
  CHECK(usual.on_failure == OnFailure::rollback);
  CHECK_FALSE(to_json_value(usual).contains("ready_timeout"));
  CHECK_FALSE(to_json_value(usual).contains("on_failure"));
  const auto patient =
      parse_deploy_request(R"({"app_name":"a","cmd":["x"],"ready_timeout":"10m","on_failure":"keep"})").value();
  CHECK(patient.ready_timeout == std::chrono::minutes(10));
  CHECK(patient.on_failure == OnFailure::keep);
  CHECK(patient.unknown.empty());
  CHECK(deploy_request_from(to_json_value(patient)).value() == patient);
  CHECK(parse_deploy_request(R"({"app_name":"a","cmd":["x"],"on_failure":"rollback"})").value() == usual);
}

TEST_CASE("an address is said of what is published, and of nothing that is asked for") {
  for (const std::string address : {"127.0.0.1", "::1"}) {
    const auto extra = nlohmann::json{{"hostname_label", "a"}, {"port", 80}, {"address", address}};
    const auto read = expose_from(nlohmann::json::array({extra}), "$", 16).value();
    CHECK(read.front().address == address);
    CHECK(to_json_value(read.front()) == extra);
  }
  for (const std::string bad : {"localhost", "0.0.0.0", "127.0.0.2", "[::1]", "127.0.0.1:80@evil.example"}) {
    CAPTURE(bad);
    CHECK_FALSE(
        expose_from(nlohmann::json{{"hostname_label", "a"}, {"port", 80}, {"address", bad}}, "$", 16).has_value());
  }
  const auto asked =
      parse_deploy_request(R"({"app_name":"a","cmd":["x"],"expose":{"hostname_label":"a","port":80,"address":"::1"}})")
          .value();
  CHECK(asked.expose.front().address.empty());
  CHECK(asked.unknown == std::vector<std::string>{"expose.address"});
}

TEST_CASE("whether it runs beside the one before is read, and is left open otherwise") {
  CHECK_FALSE(parse_deploy_request(R"({"app_name":"a","cmd":["x"],"overlap":null})").value().overlap);
  for (const auto* word : {"true", "false"}) {
    const auto request =
        parse_deploy_request(R"({"app_name":"a","cmd":["x"],"overlap":)" + std::string(word) + "}").value();
    CHECK(request.overlap == (std::string(word) == "true"));
    CHECK(deploy_request_from(to_json_value(request)).value() == request);
  }
}

TEST_CASE("one exposed port may be written without a list") {
  const auto request =
      parse_deploy_request(
          R"({"app_name":"a","cmd":["x"],"expose":{"hostname_label":"web","port":80,"protocol":"https"}})")
          .value();
  CHECK(request.expose == std::vector<Expose>{{"web", 80, ServiceProtocol::https}});
}

TEST_CASE("a port may be left to the agent, and to it alone") {
  const auto request =
      parse_deploy_request(
          R"({"app_name":"a","cmd":["x"],"expose":[{"hostname_label":"web"},{"hostname_label":"b","port":81}]})")
          .value();
  CHECK(request.expose == std::vector<Expose>{{"web", 0, {}}, {"b", 81, {}}});
  CHECK(deploy_request_from(to_json_value(request)).value() == request);
  CHECK_FALSE(
      parse_deploy_request(R"({"app_name":"a","cmd":["x"],"expose":{"hostname_label":"web","port":0}})").has_value());
  const auto boot = parse_boot_workloads(R"([{"app_name":"a","cmd":["x"],"expose":{"hostname_label":"web"}}])");
  REQUIRE_FALSE(boot.has_value());
  CHECK(boot.error().path == "$[0].expose.port");
  CHECK_FALSE(expose_from(to_json_value(request).at("expose"), "$", 16).has_value());
}

TEST_CASE("JSON null stands for an absent member") {
  const auto request =
      parse_deploy_request(
          R"({"app_name":"a","cmd":["x"],"env":null,"expose":null,"privileged":null,"tty":null,"github_release":null})")
          .value();
  CHECK(request == DeployRequest{"a", {"x"}, {}, {}, false, false, {}});
}

TEST_CASE("members that nobody understands are named where they stand") {
  const auto request = parse_deploy_request(R"({"app_name":"a","cmd":["x"],"oracle":{"deep":1},"inherit_token":true,
      "expose":[{"hostname_label":"web","port":80},{"hostname_label":"b","port":81,"path":"/"}]})")
                           .value();
  CHECK(request.unknown == std::vector<std::string>{"inherit_token", "oracle", "expose[1].path"});
  const auto single =
      parse_deploy_request(R"({"app_name":"a","cmd":["x"],"expose":{"hostname_label":"b","port":81,"path":"/"}})")
          .value();
  CHECK(single.unknown == std::vector<std::string>{"expose.path"});
}

TEST_CASE("a deploy request at its limits is accepted") {
  DeployRequest request{"a", std::vector<std::string>(256, "x"), {}, {}, true, false, {}};
  for (int i = 0; i < 256; ++i) request.env.emplace_back("V" + std::to_string(i), "1");
  for (int i = 0; i < 16; ++i) request.expose.push_back({"l" + std::to_string(i), 80, ServiceProtocol::http});
  request.cmd[1] = std::string(128 * 1024 - 1, 'x');
  CHECK(deploy_request_from(to_json_value(request)).value() == request);
}

TEST_CASE("what was written is read back as it was") {
  const DeployRequest requests[] = {
      {"a", {"x"}, {}, {}, false, false, {}},
      {"a.b",
       {"/bin/sh", "-c", "echo \"\xc3\xa9\"\n"},
       {{"K", "v=w"}},
       {{"web", 8080, ServiceProtocol::https}},
       true,
       false,
       {}},
      {"z",
       {"x", ""},
       {{"A", ""}, {"B", "\t"}},
       {{"a", 1, ServiceProtocol::http}, {"b", 1, ServiceProtocol::tcp}},
       false,
       false,
       {}},
  };
  for (const auto& request : requests) {
    CHECK(deploy_request_from(to_json_value(request)).value() == request);
    CHECK(parse_deploy_request(to_json_value(request).dump()).value() == request);
  }
}

TEST_CASE("members that are not known are not written") {
  DeployRequest request{"a", {"x"}, {}, {}, false, false, {"oracle"}};
  CHECK(to_json_value(request) == nlohmann::json{{"app_name", "a"}, {"cmd", {"x"}}});
}
