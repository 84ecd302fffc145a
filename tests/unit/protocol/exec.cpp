#include "libdd/protocol/exec.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace dd;
using namespace dd::protocol;

TEST_CASE("what is asked and answered is what arrives") {
  ExecRequest request;
  request.cmd = {"sh", "-c", "exit 3"};
  CHECK(exec_request_from(to_json_value(request)).value() == request);
  request.app_name = "app";
  request.privileged = true;
  request.timeout = std::chrono::seconds(5);
  CHECK(exec_request_from(to_json_value(request)).value() == request);

  const ExecAnswer answers[] = {{"id-1", {3, {}}, "out", "err", false}, {"id-2", {{}, 9}, "", "", true}};
  for (const auto& answer : answers) CHECK(exec_answer_from(to_json_value(answer)).value() == answer);
}

TEST_CASE("what commands run is what is read, and nothing else") {
  const std::vector<RunningCommand> commands = {
      {"id-1", "exec", {"sh", "-c", "id"}, "app", true, "2026-01-01T00:00:00Z"},
      {"id-2", "attach", {"bash"}, "", false, ""}};
  CHECK(running_commands_from(to_json_value(commands)).value() == commands);
  CHECK(running_commands_from(to_json_value(std::vector<RunningCommand>())).value().empty());
  for (const char* text : {"{}", R"({"commands":{}})", R"({"commands":[1]})", R"({"commands":[{"id":"a"}]})",
                           R"({"commands":[{"id":"a","type":"exec","cmd":[1]}]})"}) {
    CAPTURE(text);
    CHECK_FALSE(running_commands_from(parse_json(text).value()).has_value());
  }
}

TEST_CASE("a request has easyenclave's timeout, and no other workload, unless it says so") {
  const auto request = exec_request_from({{"cmd", {"id"}}}).value();
  CHECK(request.timeout == std::chrono::seconds(60));
  CHECK(request.app_name.empty());
  CHECK_FALSE(request.privileged);
}

TEST_CASE("a request that cannot be meant is refused with its path") {
  const struct {
    const char* name;
    const char* text;
    ErrorCode code;
    const char* path;
  } cases[] = {
      {"no command", R"({})", ErrorCode::invalid_argument, "$.cmd"},
      {"an empty command", R"({"cmd":[]})", ErrorCode::invalid_argument, "$.cmd"},
      {"a text", R"({"cmd":"id"})", ErrorCode::malformed, "$.cmd"},
      {"a number", R"({"cmd":[1]})", ErrorCode::malformed, "$.cmd[0]"},
      {"no time", R"({"cmd":["id"],"timeout_secs":0})", ErrorCode::invalid_argument, "$.timeout_secs"},
      {"more than an hour", R"({"cmd":["id"],"timeout_secs":3601})", ErrorCode::invalid_argument, "$.timeout_secs"},
      {"no app", R"({"cmd":["id"],"app":""})", ErrorCode::invalid_argument, "$.app"},
      {"no object", R"([])", ErrorCode::malformed, "$"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto request = exec_request_from(parse_json(c.text).value());
    REQUIRE_FALSE(request.has_value());
    CHECK(request.error().code == c.code);
    CHECK(request.error().path == c.path);
    CHECK(request.error().message.starts_with("cannot exec"));
  }
}

TEST_CASE("an answer of a runtime without signals and ids is read") {
  const auto answer = exec_answer_from({{"ok", true}, {"exit_code", 0}, {"stdout", "a"}, {"stderr", ""}}).value();
  CHECK(answer == ExecAnswer{"", {0, {}}, "a", "", false});
}

TEST_CASE("an answer without a status is none") {
  CHECK_FALSE(exec_answer_from({{"stdout", ""}, {"stderr", ""}}).has_value());
  CHECK_FALSE(exec_answer_from({{"exit_code", 256}, {"stdout", ""}, {"stderr", ""}}).has_value());
}
