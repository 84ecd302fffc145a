// The socket's protocol, with the texts that easyenclave's clients know.
#include <unistd.h>

#include <sys/stat.h>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/enclave/running_enclave.hpp"

using namespace dd;
using dd::test::RunningEnclave;

TEST_CASE("nothing is answered without the token") {
  RunningEnclave enclave;
  const struct {
    const char* name;
    Json request;
  } cases[] = {
      {"none", {{"method", "health"}}},
      {"empty", {{"method", "health"}, {"token", ""}}},
      {"wrong", {{"method", "health"}, {"token", std::string(64, '0')}}},
      {"a part", {{"method", "health"}, {"token", enclave.token().substr(0, 63)}}},
      {"with more", {{"method", "health"}, {"token", enclave.token() + "0"}}},
      {"no text", {{"method", "health"}, {"token", Json{enclave.token()}}}},
      {"unknown method", {{"method", "nothing"}}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto answer = enclave.call_raw(c.request.dump());
    CHECK(answer.at("ok") == false);
    CHECK(answer.at("error") == "unauthenticated");
    CHECK(answer.at("code") == "unauthenticated");
  }
  CHECK(enclave.call({{"method", "health"}}).at("ok") == true);
}

TEST_CASE("health says what this machine is") {
  RunningEnclave enclave;
  const auto health = enclave.call({{"method", "health"}});
  CHECK(health.at("attestation_type") == "none");
  CHECK(health.at("workloads") == 1);
  CHECK(health.at("uptime_secs") >= 0);
  CHECK(health.at("boot_id").get<std::string>().size() == 32);
  CHECK(health.at("boundary") == (geteuid() == 0 ? "uid" : "none"));
}

TEST_CASE("lines that are no request are told so") {
  RunningEnclave enclave;
  const struct {
    const char* line;
    const char* start;
  } raw[] = {{"{", "invalid json"}, {"[]", "invalid json"}, {"", "invalid json"}, {R"({"a":1,"a":2})", "invalid json"}};
  for (const auto& c : raw) {
    CAPTURE(c.line);
    const auto answer = enclave.call_raw(c.line);
    CHECK(answer.at("code") == "malformed");
    CHECK(answer.at("error").get<std::string>().starts_with(c.start));
  }
  CHECK(enclave.call(Json::object()).at("error") == "missing method");
  CHECK(enclave.call({{"method", "reboot"}}).at("error") == "unknown method: reboot");
  CHECK(enclave.call({{"method", "stop"}}).at("error") == "missing id");
  CHECK(enclave.call({{"method", "logs"}, {"id", "none"}}).at("error") == "deployment not found");
}

TEST_CASE("a deploy request that is wrong is refused with the path") {
  RunningEnclave enclave;
  const struct {
    Json request;
    const char* path;
    const char* code;
  } cases[] = {
      {{{"cmd", {"true"}}}, "$.app_name", "malformed"},
      {{{"app_name", "../x"}, {"cmd", {"true"}}}, "$.app_name", "invalid_argument"},
      {{{"app_name", "x"}}, "$.cmd", "malformed"},
      {{{"app_name", "x"}, {"cmd", Json::array()}}, "$.cmd", "invalid_argument"},
      {{{"app_name", "x"}, {"cmd", {"true"}}, {"env", {"NOVALUE"}}}, "$.env[0]", "invalid_argument"},
      {{{"app_name", "x"}, {"cmd", {"true"}}, {"tty", 1}}, "$.tty", "malformed"},
      {{{"app_name", "x"}, {"cmd", {"true"}}, {"github_release", Json::object()}},
       "$.github_release.repo",
       "malformed"},
  };
  for (const auto& c : cases) {
    auto request = c.request;
    request["method"] = "deploy";
    CAPTURE(request.dump());
    const auto answer = enclave.call(request);
    CHECK(answer.at("ok") == false);
    CHECK(answer.value("path", "") == c.path);
    CHECK(answer.at("code") == c.code);
  }
  CHECK(enclave.list().size() == 1);
}

TEST_CASE("a machine without evidence says so when asked for some") {
  RunningEnclave enclave;
  const auto answer = enclave.call({{"method", "attest"}, {"report_data_b64", "AQID"}});
  CHECK(answer.at("code") == "unsupported");
  CHECK(enclave.call({{"method", "attest"}, {"report_data_b64", std::string(88, 'A')}}).at("code") == "too_large");
}

TEST_CASE("the socket is closed to other users") {
  RunningEnclave enclave;
  struct stat info{};
  REQUIRE(stat(enclave.socket().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == (geteuid() == 0 ? 0660 : 0600));
}

TEST_CASE("a second runtime does not take the place of the first") {
  RunningEnclave enclave;
  EnclaveOptions options;
  const TempDir folder;
  options.config_file = folder.write("config.json", "{}");
  options.socket_path = enclave.socket();
  options.data_dir = enclave.data();
  const auto second = Enclave::create(std::move(options));
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == ErrorCode::conflict);
  CHECK(enclave.call({{"method", "health"}}).at("ok") == true);
}
