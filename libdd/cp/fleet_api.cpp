#include "libdd/cp/fleet_api.hpp"

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/core/json.hpp"
#include "libdd/cp/fleet_view.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/protocol/fleet.hpp"

namespace dd::cp {
namespace {

constexpr std::int64_t kInviteLife = 900;

protocol::AgentView view_of(const AgentRecord& record, std::vector<std::string> extra_hostnames) {
  protocol::AgentView view;
  view.agent_id = record.agent_id;
  view.vm_name = record.vm_name;
  view.hostname = record.hostname;
  view.status = to_string(record.status);
  view.reason = record.reason;
  view.last_seen = time_text(record.last_seen);
  view.registered_at = time_text(record.registered_at);
  view.kid = record.compat ? std::string() : record.signing_key.kid();
  view.compat = record.compat;
  view.extra_hostnames = std::move(extra_hostnames);
  view.simulated = record.pins.simulated;
  view.verdict = record.verdict;
  view.tcb_status = record.tcb_status;
  view.mrtd = to_hex(record.pins.report.mrtd);
  return view;
}

/// A body without members may be left out.
Result<Json> json_in(const std::string& body) { return body.empty() ? Result<Json>(Json::object()) : parse_json(body); }

}  // namespace

FleetApi::FleetApi(Context& context, Dropper& dropper, People& people)
    : context_(context), dropper_(dropper), people_(people) {}

void FleetApi::add_routes(net::Router& router) {
  net::RouteOptions owner;
  owner.authenticate = people_.owner_only();
  router.add("GET", "/health", [this](const net::ServerRequest&) { return health(); });
  router.add("GET", "/api/key", [this](const net::ServerRequest&) { return key(); });
  router.add("GET", "/api/agents", [this](const net::ServerRequest&) { return agents(); }, owner);
  router.add("GET", "/api/policy", [this](const net::ServerRequest&) { return policy(); }, owner);
  router.add(
      "POST", "/api/agents/{id}/revoke", [this](const net::ServerRequest& request) { return revoke(request); }, owner);
  router.add("POST", "/api/invites", [this](const net::ServerRequest& request) { return invite(request); }, owner);
}

net::Task<Result<net::ServerResponse>> FleetApi::health() {
  protocol::CpHealth health;
  health.version = DD_VERSION;
  health.env = context_.options.env;
  health.hostname = context_.options.hostname;
  health.simulated = context_.options.accept_simulated;
  health.policy = context_.policy.is_tofu() ? "tofu" : "enforced";
  for (const auto& record : context_.store.all()) {
    if (!is_live(record.status)) continue;
    ++health.agent_count;
    if (record.status == AgentStatus::healthy && !record.compat) ++health.healthy_count;
  }
  health.uptime_secs =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_).count();
  co_return net::json_response(to_text(protocol::to_json_value(health)));
}

net::Task<Result<net::ServerResponse>> FleetApi::key() {
  const Json answer = {{"cp_origin", context_.origin}, {"cp_key", context_.cp_key.to_jwk()}};
  co_return net::json_response(to_text(answer));
}

net::Task<Result<net::ServerResponse>> FleetApi::agents() {
  Json list = Json::array();
  for (const auto& record : context_.store.all()) {
    auto hostnames = context_.provisioner.extra_hostnames(record);
    list.push_back(protocol::to_json_value(view_of(record, hostnames.value_or(std::vector<std::string>()))));
  }
  co_return net::json_response(to_text(list));
}

net::Task<Result<net::ServerResponse>> FleetApi::policy() {
  co_return net::json_response(to_text(context_.policy.to_json_value()));
}

net::Task<Result<net::ServerResponse>> FleetApi::revoke(const net::ServerRequest& request) {
  const auto value = json_in(request.body);
  if (!value) co_return tl::unexpected(value.error());
  const auto said = protocol::revoke_request_from(*value);
  if (!said) co_return tl::unexpected(said.error());
  auto why = "revoked by " + request.principal;
  if (!said->reason.empty()) why += ": " + said->reason;
  const auto agent_id = request.params.at(0);
  const auto* known = context_.store.find(agent_id);
  if (known == nullptr) co_return fail(ErrorCode::not_found, "cannot revoke: no agent " + agent_id);
  const auto vm_name = known->vm_name;
  // Ahead of its turn, for which it may make us wait: from now on nothing is done for it.
  const auto first_key = known->deny_key();
  auto denied = co_await context_.store.deny(first_key, why);
  if (!denied) co_return wrap(denied.error(), "cannot revoke");
  const auto turn = co_await context_.turns.take(vm_name);
  known = context_.store.find(agent_id);
  if (known == nullptr) co_return fail(ErrorCode::not_found, "cannot revoke: no agent " + agent_id);
  AgentRecord record = *known;
  // It may have become one with a key meanwhile.
  if (record.deny_key() != first_key) denied = co_await context_.store.deny(record.deny_key(), why);
  if (!denied) co_return wrap(denied.error(), "cannot revoke");
  if (record.status != AgentStatus::dropped) {
    const auto dropped = co_await dropper_.drop(std::move(record), why);
    if (!dropped)
      co_return wrap(dropped.error(),
                     "cannot remove the tunnel yet; the agent is revoked and its tunnel goes with a later poll");
  }
  const Json answer = {{"agent_id", agent_id}, {"status", to_string(AgentStatus::dropped)}};
  co_return net::json_response(to_text(answer));
}

net::Task<Result<net::ServerResponse>> FleetApi::invite(const net::ServerRequest& request) {
  const auto value = json_in(request.body);
  if (!value) co_return tl::unexpected(value.error());
  const auto wanted = protocol::invite_request_from(*value);
  if (!wanted) co_return tl::unexpected(wanted.error());
  const auto now = context_.clock.unix_seconds();
  std::array<std::byte, 16> id{};
  context_.random.fill(id);
  Json claims = {{"aud", context_.origin}, {"iat", now}, {"exp", now + kInviteLife}, {"jti", to_base64url(id)}};
  if (!wanted->vm_name.empty()) claims["vm_name"] = wanted->vm_name;
  auto ticket = co_await context_.capability.sign(std::string(crypto::kJoinTyp), std::move(claims));
  if (!ticket) co_return wrap(ticket.error(), "cannot sign invitation");
  log::info("invitation made", {{"by", request.principal}});
  const protocol::Invite answer{*std::move(ticket), now + kInviteLife};
  co_return net::json_response(to_text(protocol::to_json_value(answer)));
}

}  // namespace dd::cp
