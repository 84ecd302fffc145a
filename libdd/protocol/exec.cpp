#include "libdd/protocol/exec.hpp"

#include <nlohmann/json.hpp>

namespace dd::protocol {
namespace {

constexpr std::size_t kMaxItems = 256;
constexpr std::size_t kMaxItemBytes = 128 * 1024 - 1;
constexpr std::size_t kMaxOutput = 4 * 1024 * 1024;
constexpr std::size_t kMaxCommands = 1024;

}  // namespace

Json to_json_value(const ExecRequest& request) {
  Json value = {{"cmd", request.cmd}, {"timeout_secs", request.timeout.count()}};
  put_text(value, "app", request.app_name);
  if (request.privileged) value["privileged"] = true;
  return value;
}

Result<ExecRequest> exec_request_from(const Json& value) {
  ObjectReader reader(value, "$");
  ExecRequest request;
  request.cmd = reader.texts("cmd", kMaxItems, {.most = kMaxItemBytes});
  request.app_name = reader.optional_text("app", {.least = 1, .most = 64}).value_or("");
  request.privileged = reader.boolean("privileged", false);
  const auto timeout = reader.optional_integer("timeout_secs", 1, ExecRequest::kMaxTimeout.count());
  if (timeout) request.timeout = std::chrono::seconds(*timeout);
  if (reader.error()) return wrap(*reader.error(), "cannot exec");
  if (request.cmd.empty()) return fail_at(ErrorCode::invalid_argument, "$.cmd", "cannot exec: cmd must name a program");
  return request;
}

Json to_json_value(const ExecAnswer& answer) {
  // -1 is easyenclave's word for a signal.
  Json value = {{"ok", true},
                {"id", answer.id},
                {"exit_code", answer.exit.code.value_or(-1)},
                {"stdout", answer.out},
                {"stderr", answer.err}};
  if (answer.exit.signal) value["signal"] = *answer.exit.signal;
  if (answer.truncated) value["truncated"] = true;
  return value;
}

Result<ExecAnswer> exec_answer_from(const Json& value) {
  ObjectReader reader(value, "$");
  ExecAnswer answer;
  answer.id = reader.optional_text("id", {.most = 64}).value_or("");  // easyenclave gives none
  const auto code = reader.integer("exit_code", -1, 255);
  if (const auto signal = reader.optional_integer("signal", 1, 64)) answer.exit.signal = static_cast<int>(*signal);
  answer.out = reader.text("stdout", {.most = kMaxOutput});
  answer.err = reader.text("stderr", {.most = kMaxOutput});
  answer.truncated = reader.boolean("truncated", false);
  if (reader.error()) return tl::unexpected(*reader.error());
  if (!answer.exit.signal) answer.exit.code = static_cast<int>(code);
  return answer;
}

Json to_json_value(const std::vector<RunningCommand>& commands) {
  auto list = Json::array();
  for (const auto& command : commands) {
    Json value = {{"id", command.id},
                  {"type", command.type},
                  {"cmd", command.cmd},
                  {"privileged", command.privileged},
                  {"started_at", command.started_at}};
    put_text(value, "app_name", command.app_name);
    list.push_back(std::move(value));
  }
  return {{"commands", std::move(list)}};
}

Result<std::vector<RunningCommand>> running_commands_from(const Json& value) {
  ObjectReader reader(value, "$");
  const Json* list = reader.array("commands", kMaxCommands);
  if (reader.error()) return tl::unexpected(*reader.error());
  std::vector<RunningCommand> commands;
  for (std::size_t i = 0; i < list->size(); ++i) {
    ObjectReader one((*list)[i], "$.commands[" + std::to_string(i) + "]");
    RunningCommand command;
    command.id = one.text("id", {.least = 1, .most = 64});
    command.type = one.text("type", {.least = 1, .most = 16});
    command.cmd = one.texts("cmd", kMaxItems, {.most = kMaxItemBytes});
    command.app_name = one.optional_text("app_name", {.most = 64}).value_or("");
    command.privileged = one.boolean("privileged", false);
    command.started_at = one.optional_text("started_at", {.most = 64}).value_or("");
    if (one.error()) return tl::unexpected(*one.error());
    commands.push_back(std::move(command));
  }
  return commands;
}

}  // namespace dd::protocol
