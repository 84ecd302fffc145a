#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "dd/report_data.hpp"
#include "libdd/protocol/fields.hpp"
#include "libdd/protocol/log_reader.hpp"

namespace dd::protocol {
namespace {

constexpr std::size_t kMaxHealthDeployments = 1024;

bool is_agent(std::string_view text) { return text == "agent"; }
bool is_integrity(std::string_view text) { return text == "attested" || text == "simulated" || text == "unregistered"; }
bool is_token_tag(std::string_view text) { return text == kRegisterTag || text == kRefreshTag; }

constexpr TextRule kAgentServiceRule{0, 4096, is_agent, "\"agent\""};
constexpr TextRule kIntegrityRule{0, 4096, is_integrity, "attested, simulated or unregistered"};
constexpr TextRule kTagRule{0, 4096, is_token_tag, "dd/register/v1 or dd/refresh/v1"};

PublicHealth read_public(ObjectReader& reader) {
  PublicHealth health;
  health.ok = reader.required_boolean("ok");
  (void)reader.text("service", kAgentServiceRule);
  health.version = reader.text("version", kVersionRule);
  health.integrity = reader.text("integrity", kIntegrityRule);
  return health;
}

Json binding_value(const TokenBinding& binding) {
  return {{"tag", binding.tag}, {"nonce", to_base64url(binding.nonce)}, {"quoted_events", binding.quoted_events}};
}

TokenBinding read_binding(ObjectReader& parent, const char* name) {
  const auto* value = parent.object(name);
  if (value == nullptr) return {};
  ObjectReader reader(*value, parent.path_of(name));
  TokenBinding binding;
  binding.tag = reader.text("tag", kTagRule);
  binding.nonce = read_digest256(reader, "nonce");
  binding.quoted_events = read_count(reader, "quoted_events");
  if (reader.error()) parent.problem(*reader.error());
  return binding;
}

Json metrics_value(const Metrics& metrics) {
  return {{"cpu_percent", metrics.cpu_percent},
          {"load_1m", metrics.load_1m},
          {"memory_used_mb", metrics.memory_used_mb},
          {"memory_total_mb", metrics.memory_total_mb}};
}

Metrics read_metrics(ObjectReader& parent, const char* name) {
  const auto* value = parent.object(name);
  if (value == nullptr) return {};
  ObjectReader reader(*value, parent.path_of(name));
  Metrics metrics;
  metrics.cpu_percent = reader.number("cpu_percent", 0);
  metrics.load_1m = reader.number("load_1m", 0);
  metrics.memory_used_mb = read_count(reader, "memory_used_mb");
  metrics.memory_total_mb = read_count(reader, "memory_total_mb");
  if (reader.error()) parent.problem(*reader.error());
  return metrics;
}

Json deployments_value(const std::vector<AppStatus>& deployments) {
  auto list = Json::array();
  for (const auto& deployment : deployments)
    list.push_back({{"app_name", deployment.app_name}, {"status", deployment.status}});
  return list;
}

std::vector<AppStatus> read_deployments(ObjectReader& parent, const char* name) {
  const auto* list = parent.array(name, kMaxHealthDeployments);
  if (list == nullptr) return {};
  std::vector<AppStatus> out;
  for (const auto& item : *list) {
    ObjectReader reader(item, parent.path_of(name) + "[" + std::to_string(out.size()) + "]");
    AppStatus deployment;
    deployment.app_name = read_app_name(reader, "app_name");
    deployment.status = read_word(reader, "status");
    if (reader.error()) {
      parent.problem(*reader.error());
      return {};
    }
    out.push_back(std::move(deployment));
  }
  return out;
}

}  // namespace

Json to_json_value(const PublicHealth& health) {
  return {{"ok", health.ok}, {"service", "agent"}, {"version", health.version}, {"integrity", health.integrity}};
}

Json to_json_value(const AgentHealth& health) {
  auto value = to_json_value(health.base);
  value["agent_id"] = health.agent_id;
  value["vm_name"] = health.vm_name;
  value["hostname"] = health.hostname;
  value["owner"] = health.owner;
  value["boot_id"] = health.boot_id;
  value["ita_token"] = health.ita_token;
  value["binding"] = binding_value(health.binding);
  value["log"] = to_json_value(health.log);
  value["deployments"] = deployments_value(health.deployments);
  value["extra_ingress"] = ingress_list(health.extra_ingress);
  value["uptime_secs"] = health.uptime_secs;
  value["metrics"] = metrics_value(health.metrics);
  return value;
}

Result<AgentHealth> agent_health_from(const Json& value) {
  ObjectReader reader(value, "$");
  AgentHealth health;
  health.base = read_public(reader);
  health.agent_id = read_agent_id(reader, "agent_id");
  health.vm_name = read_vm_name(reader, "vm_name");
  health.hostname = read_hostname(reader, "hostname");
  health.owner = read_owner(reader, "owner");
  health.boot_id = read_boot_id(reader, "boot_id");
  health.ita_token = reader.text("ita_token", kTokenRule);
  health.binding = read_binding(reader, "binding");
  health.log = read_log_member(reader, "log", static_cast<std::size_t>(kLogPage));
  health.deployments = read_deployments(reader, "deployments");
  health.extra_ingress = read_extra_ingress(reader, "extra_ingress");
  health.uptime_secs = read_count(reader, "uptime_secs");
  health.metrics = read_metrics(reader, "metrics");
  return finish(reader, std::move(health));
}

}  // namespace dd::protocol
