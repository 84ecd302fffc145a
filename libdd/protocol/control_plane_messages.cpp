#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/protocol/fields.hpp"
#include "libdd/protocol/fleet.hpp"

namespace dd::protocol {
namespace {

bool is_cp(std::string_view text) { return text == "cp"; }
bool is_policy_kind(std::string_view text) { return text == "enforced" || text == "tofu"; }

constexpr TextRule kCpServiceRule{0, 4096, is_cp, "\"cp\""};
constexpr TextRule kPolicyRule{0, 4096, is_policy_kind, "enforced or tofu"};
constexpr TextRule kReasonRule{0, 512, nullptr, nullptr};
constexpr TextRule kTicketRule{1, 8192, nullptr, nullptr};

Result<AgentView> read_agent_view(const Json& value, std::string path) {
  ObjectReader reader(value, std::move(path));
  AgentView view;
  view.agent_id = read_agent_id(reader, "agent_id");
  view.vm_name = read_vm_name(reader, "vm_name");
  view.hostname = read_hostname(reader, "hostname");
  view.status = read_word(reader, "status");
  view.reason = reader.optional_text("reason").value_or("");
  view.last_seen = reader.text("last_seen");
  view.registered_at = reader.text("registered_at");
  view.kid = reader.text("kid");
  view.extra_hostnames = read_hostnames(reader, "extra_hostnames", kMaxExtraIngress);
  view.simulated = reader.required_boolean("simulated");
  view.verdict = read_embedded(reader, "verdict");
  view.tcb_status = reader.text("tcb_status");
  view.mrtd = reader.text("mrtd");
  view.compat = reader.boolean("compat", false);
  return finish(reader, std::move(view));
}

}  // namespace

Json to_json_value(const AgentView& view) {
  Json value = {{"agent_id", view.agent_id},
                {"vm_name", view.vm_name},
                {"hostname", view.hostname},
                {"status", view.status},
                {"last_seen", view.last_seen},
                {"registered_at", view.registered_at},
                {"kid", view.kid},
                {"extra_hostnames", view.extra_hostnames},
                {"simulated", view.simulated},
                {"verdict", embedded(view.verdict)},
                {"tcb_status", view.tcb_status},
                {"mrtd", view.mrtd},
                {"compat", view.compat}};
  put_text(value, "reason", view.reason);
  return value;
}

Result<std::vector<AgentView>> agent_views_from(const Json& value) {
  if (!value.is_array()) return fail_at(ErrorCode::malformed, "$", "cannot read $: want a list of agents");
  std::vector<AgentView> views;
  for (const auto& item : value) {
    auto view = read_agent_view(item, "$[" + std::to_string(views.size()) + "]");
    if (!view) return tl::unexpected(std::move(view).error());
    views.push_back(*std::move(view));
  }
  return views;
}

Json to_json_value(const CpHealth& health) {
  return {{"ok", health.ok},
          {"service", "cp"},
          {"version", health.version},
          {"env", health.env},
          {"hostname", health.hostname},
          {"simulated", health.simulated},
          {"policy", health.policy},
          {"agent_count", health.agent_count},
          {"healthy_count", health.healthy_count},
          {"uptime_secs", health.uptime_secs}};
}

Result<CpHealth> cp_health_from(const Json& value) {
  ObjectReader reader(value, "$");
  CpHealth health;
  health.ok = reader.required_boolean("ok");
  (void)reader.text("service", kCpServiceRule);
  health.version = reader.text("version", kVersionRule);
  health.env = reader.text("env");
  health.hostname = read_hostname(reader, "hostname");
  health.simulated = reader.required_boolean("simulated");
  health.policy = reader.text("policy", kPolicyRule);
  health.agent_count = read_count(reader, "agent_count");
  health.healthy_count = read_count(reader, "healthy_count");
  health.uptime_secs = read_count(reader, "uptime_secs");
  return finish(reader, std::move(health));
}

Json to_json_value(const RevokeRequest& request) {
  auto value = Json::object();
  put_text(value, "reason", request.reason);
  return value;
}

Result<RevokeRequest> revoke_request_from(const Json& value) {
  ObjectReader reader(value, "$");
  RevokeRequest request;
  request.reason = reader.optional_text("reason", kReasonRule).value_or("");
  return finish(reader, std::move(request));
}

Json to_json_value(const InviteRequest& request) {
  auto value = Json::object();
  put_text(value, "vm_name", request.vm_name);
  return value;
}

Result<InviteRequest> invite_request_from(const Json& value) {
  ObjectReader reader(value, "$");
  InviteRequest request;
  if (reader.find("vm_name") != nullptr) request.vm_name = read_vm_name(reader, "vm_name");
  return finish(reader, std::move(request));
}

Json to_json_value(const Invite& invite) { return {{"ticket", invite.ticket}, {"expires_at", invite.expires_at}}; }

Result<Invite> invite_from(const Json& value) {
  ObjectReader reader(value, "$");
  Invite invite;
  invite.ticket = reader.text("ticket", kTicketRule);
  invite.expires_at = read_count(reader, "expires_at");
  return finish(reader, std::move(invite));
}

}  // namespace dd::protocol
