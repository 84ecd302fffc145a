#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/protocol/fields.hpp"
#include "libdd/protocol/fleet.hpp"

namespace dd::protocol {
namespace {

constexpr std::size_t kMaxHostnames = 16;
constexpr std::size_t kMaxListedDeployments = 10'000;
constexpr std::size_t kMaxWarnings = 4096;
constexpr std::size_t kMaxLastLines = 1000;
constexpr TextRule kIdRule{1, 128, nullptr, nullptr};
constexpr TextRule kUrlRule{1, 2048, nullptr, nullptr};
// A warning quotes a member's name: the answer's size is the limit.
constexpr TextRule kAnyText{0, 1024 * 1024, nullptr, nullptr};

std::vector<std::string> read_list(ObjectReader& reader, const char* name, std::size_t most, TextRule rule) {
  if (reader.array(name, most) == nullptr) return {};
  return reader.texts(name, most, rule);
}

std::vector<std::string> read_optional_list(ObjectReader& reader, const char* name, std::size_t most, TextRule rule) {
  return reader.find(name) == nullptr ? std::vector<std::string>{} : read_list(reader, name, most, rule);
}

std::vector<std::uint16_t> read_ports(ObjectReader& reader, const char* name) {
  std::vector<std::uint16_t> ports;
  const auto* list = reader.find(name) == nullptr ? nullptr : reader.array(name, UINT16_MAX);
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const auto item = std::string(name) + "[" + std::to_string(i) + "]";
    const auto& port = (*list)[i];
    if (!port.is_number_integer() || port < 1 || port > UINT16_MAX)
      reader.problem(item.c_str(), ErrorCode::malformed, "want a port");
    else
      ports.push_back(port.get<std::uint16_t>());
  }
  return ports;
}

}  // namespace

Json to_json_value(const DeployAnswer& answer) {
  Json value = {{"ok", true},
                {"id", answer.id},
                {"status", answer.status},
                {"app_name", answer.app_name},
                {"hostnames", answer.hostnames},
                {"urls", answer.urls},
                {"warnings", answer.warnings},
                {"ready", answer.ready},
                {"settled", answer.settled},
                {"rolled_back", answer.rolled_back},
                {"last_lines", answer.last_lines},
                {"listening", answer.listening},
                {"expose", Json::array()}};
  for (const auto& expose : answer.expose) value["expose"].push_back(to_json_value(expose));
  put_text(value, "replaced", answer.replaced);
  put_text(value, "rollback_of", answer.rollback_of);
  put_text(value, "reason", answer.reason);
  if (answer.exit_code) value["exit_code"] = *answer.exit_code;
  if (answer.signal) value["signal"] = *answer.signal;
  return value;
}

Result<DeployAnswer> deploy_answer_from(const Json& value) {
  ObjectReader reader(value, "$");
  DeployAnswer answer;
  answer.id = reader.text("id", kIdRule);
  answer.status = read_word(reader, "status");
  answer.app_name = read_app_name(reader, "app_name");
  answer.hostnames = read_hostnames(reader, "hostnames", kMaxHostnames);
  answer.urls = read_list(reader, "urls", kMaxHostnames, kUrlRule);
  answer.warnings = read_list(reader, "warnings", kMaxWarnings, kAnyText);
  // An earlier agent says no more, and its answer is its last word.
  answer.ready = reader.boolean("ready", answer.status == "running" || answer.status == "completed");
  answer.settled = reader.boolean("settled", answer.status != "deploying");
  answer.rolled_back = reader.boolean("rolled_back", false);
  answer.replaced = reader.optional_text("replaced", kIdRule).value_or("");
  answer.rollback_of = reader.optional_text("rollback_of", kIdRule).value_or("");
  answer.reason = reader.optional_text("reason", kAnyText).value_or("");
  answer.exit_code = reader.optional_int("exit_code");
  answer.signal = reader.optional_int("signal");
  answer.last_lines = read_optional_list(reader, "last_lines", kMaxLastLines, kAnyText);
  answer.listening = read_ports(reader, "listening");
  if (reader.find("expose") != nullptr) answer.expose = read_extra_ingress(reader, "expose");
  return finish(reader, std::move(answer));
}

Json to_json_value(const DeploymentsAnswer& answer) {
  auto list = Json::array();
  for (const auto& deployment : answer.deployments) list.push_back(to_json_value(deployment));
  return {{"deployments", std::move(list)}};
}

Result<DeploymentsAnswer> deployments_answer_from(const Json& value) {
  ObjectReader reader(value, "$");
  const auto* list = reader.array("deployments", kMaxListedDeployments);
  if (list == nullptr) return finish(reader, DeploymentsAnswer{});
  DeploymentsAnswer answer;
  for (const auto& item : *list) {
    auto deployment = deployment_info_from(item, "$.deployments[" + std::to_string(answer.deployments.size()) + "]");
    if (!deployment) return tl::unexpected(std::move(deployment).error());
    answer.deployments.push_back(*std::move(deployment));
  }
  return answer;
}

Json to_json_value(const LogsAnswer& answer) {
  Json value = {{"app_name", answer.app_name}, {"id", answer.id}, {"status", answer.status}};
  put(value, answer.log);
  return value;
}

Result<LogsAnswer> logs_answer_from(const Json& value) {
  ObjectReader reader(value, "$");
  LogsAnswer answer;
  answer.app_name = read_app_name(reader, "app_name");
  answer.id = reader.text("id", kIdRule);
  answer.status = read_word(reader, "status");
  answer.log = read_log_lines(reader);
  return finish(reader, std::move(answer));
}

Json to_json_value(const MopAnswer& answer) {
  return {{"ok", true}, {"app_name", answer.app_name}, {"id", answer.id}, {"hostnames", answer.hostnames}};
}

Result<MopAnswer> mop_answer_from(const Json& value) {
  ObjectReader reader(value, "$");
  MopAnswer answer;
  answer.app_name = read_app_name(reader, "app_name");
  answer.id = reader.text("id", kIdRule);
  answer.hostnames = read_hostnames(reader, "hostnames", kMaxHostnames);
  return finish(reader, std::move(answer));
}

}  // namespace dd::protocol
