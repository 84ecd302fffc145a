#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/core/config_values.hpp"
#include "libdd/workload/deploy_reader.hpp"
#include "libdd/workload/expose_reader.hpp"
#include "libdd/workload/release_reader.hpp"

namespace dd {
namespace {

constexpr std::size_t kMaxRequestBytes = 256 * 1024;
constexpr std::size_t kMaxItems = 256;
// Linux refuses a longer argument or environment entry (MAX_ARG_STRLEN is 128 KiB with its NUL), but only at exec.
constexpr std::size_t kMaxItemBytes = 128 * 1024 - 1;

bool is_without_nul(std::string_view text) { return text.find('\0') == std::string_view::npos; }

bool is_variable_name(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !is_letter(name.front())) return false;
  return std::ranges::all_of(name, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

bool is_assignment(std::string_view text) {
  const auto equals = text.find('=');
  return equals != std::string_view::npos && is_variable_name(text.substr(0, equals)) && is_without_nul(text);
}

constexpr TextRule kAppNameRule{1, 4096, valid_app_name,
                                "1..63 of a-z, 0-9, '.', '_' and '-', a letter or digit first"};
constexpr TextRule kArgumentRule{0, kMaxItemBytes, is_without_nul, "a text below 128 KiB without NUL"};
constexpr TextRule kEnvRule{0, kMaxItemBytes, is_assignment,
                            "\"NAME=value\" below 128 KiB, NAME of letters, digits and '_'"};

std::vector<std::string> read_cmd(ObjectReader& reader) {
  // A release alone is fetched for others to use.
  if (reader.find("cmd") == nullptr && reader.find("github_release") != nullptr) return {};
  if (reader.array("cmd", kMaxItems) == nullptr) return {};
  auto cmd = reader.texts("cmd", kMaxItems, kArgumentRule);
  if (reader.error()) return {};
  if (cmd.empty())
    reader.problem("cmd", ErrorCode::invalid_argument, "want 1..256 items");
  else if (cmd.front().empty())
    reader.problem("cmd[0]", ErrorCode::invalid_argument, "want a path or the name of a program");
  return cmd;
}

std::vector<std::pair<std::string, std::string>> read_env(ObjectReader& reader) {
  std::vector<std::pair<std::string, std::string>> env;
  for (const auto& text : reader.texts("env", kMaxItems, kEnvRule)) {
    const auto equals = text.find('=');
    auto name = text.substr(0, equals);
    // The event log holds env as an object, so of two values one would be logged and another might be used.
    if (std::ranges::any_of(env, [&](const auto& entry) { return entry.first == name; })) {
      const auto item = "env[" + std::to_string(env.size()) + "]";
      reader.problem(item.c_str(), ErrorCode::invalid_argument, "variable " + name + " occurs twice");
    }
    env.emplace_back(std::move(name), text.substr(equals + 1));
  }
  return env;
}

Result<void> take_release(ObjectReader& reader, DeployRequest& request) {
  const auto* value = reader.find("github_release");
  if (value == nullptr) return {};
  auto reading = read_github_release(*value, reader.path_of("github_release"));
  if (!reading) return tl::unexpected(std::move(reading).error());
  request.github_release = std::move(reading->release);
  for (const auto& name : reading->unknown) request.unknown.push_back("github_release." + name);
  return {};
}

constexpr std::chrono::milliseconds kLongestReadyTimeout{600'000};

/// What the agent that follows a deployment goes by; nothing of the runtime's, and so nothing for boot workloads.
void take_patience(ObjectReader& reader, DeployRequest& request) {
  if (const auto text = reader.optional_text("ready_timeout", {.most = 32})) {
    const auto timeout = config_values::duration(*text);
    if (!timeout || *timeout > kLongestReadyTimeout)
      reader.problem("ready_timeout", ErrorCode::invalid_argument, "want a duration of up to 10 minutes, like \"90s\"");
    else
      request.ready_timeout = *timeout;
  }
  if (const auto word = reader.optional_text("on_failure", {.most = 32})) {
    if (*word != "rollback" && *word != "keep")
      reader.problem("on_failure", ErrorCode::invalid_argument, "want rollback or keep");
    request.on_failure = *word == "keep" ? OnFailure::keep : OnFailure::rollback;
  }
  if (reader.find("overlap") != nullptr) request.overlap = reader.boolean("overlap", false);
  // What it leaves running cannot be told from what the one before does.
  if (request.overlap == true && request.privileged)
    reader.problem("overlap", ErrorCode::invalid_argument, "a privileged deployment cannot run beside the one before");
}

Result<void> take_expose(ObjectReader& reader, Ports ports, DeployRequest& request) {
  const auto* value = reader.find("expose");
  if (value == nullptr) return {};
  auto list = read_expose(*value, reader.path_of("expose"), kMaxExpose, ports);
  if (!list) return tl::unexpected(std::move(list).error());
  request.expose = std::move(list->items);
  for (const auto& name : list->unknown) request.unknown.push_back("expose" + name);
  return {};
}

}  // namespace

Result<DeployRequest> read_deploy_request(ObjectReader& reader, Ports ports) {
  DeployRequest request;
  request.app_name = reader.text("app_name", kAppNameRule);
  request.cmd = read_cmd(reader);
  request.env = read_env(reader);
  request.privileged = reader.boolean("privileged", false);
  request.tty = reader.boolean("tty", false);
  if (reader.error()) return tl::unexpected(*reader.error());
  if (auto taken = take_release(reader, request); !taken) return tl::unexpected(taken.error());
  if (auto taken = take_expose(reader, ports, request); !taken) return tl::unexpected(taken.error());
  return request;
}

Result<DeployRequest> deploy_request_from(const Json& value) {
  ObjectReader reader(value, "$");
  auto request = read_deploy_request(reader, Ports::may_be_chosen);
  if (!request) return request;
  take_patience(reader, *request);
  if (reader.error()) return tl::unexpected(*reader.error());
  auto unknown = reader.unknown();
  request->unknown.insert(request->unknown.begin(), std::make_move_iterator(unknown.begin()),
                          std::make_move_iterator(unknown.end()));
  return request;
}

Result<DeployRequest> parse_deploy_request(std::string_view text) {
  JsonLimits limits;
  limits.max_bytes = kMaxRequestBytes;
  auto value = parse_json(text, limits);
  if (!value) return fail_at(value.error().code, "$", std::move(value.error().message));
  return deploy_request_from(*value);
}

Json to_json_value(const DeployRequest& request) {
  Json value = {{"app_name", request.app_name}};
  if (!request.cmd.empty()) value["cmd"] = request.cmd;
  if (request.github_release) value["github_release"] = to_json_value(*request.github_release);
  if (!request.env.empty()) {
    auto& env = value["env"] = Json::array();
    for (const auto& [name, text] : request.env) env.push_back(name + "=" + text);
  }
  if (!request.expose.empty()) {
    auto& list = value["expose"] = Json::array();
    for (const auto& expose : request.expose) list.push_back(to_json_value(expose));
  }
  if (request.privileged) value["privileged"] = true;
  if (request.tty) value["tty"] = true;
  const DeployRequest usual;
  if (request.ready_timeout != usual.ready_timeout) value["ready_timeout"] = config_values::show(request.ready_timeout);
  if (request.on_failure == OnFailure::keep) value["on_failure"] = "keep";
  if (request.overlap) value["overlap"] = *request.overlap;
  return value;
}

}  // namespace dd
