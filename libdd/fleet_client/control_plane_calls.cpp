#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/fleet_client/agent_choice.hpp"
#include "libdd/fleet_client/connection.hpp"
#include "libdd/protocol/fleet.hpp"
#include "libdd/protocol/session.hpp"

namespace dd {
namespace {

AgentSummary summary_of(protocol::AgentView view) {
  return {std::move(view.agent_id),
          std::move(view.vm_name),
          std::move(view.hostname),
          std::move(view.status),
          std::move(view.reason),
          std::move(view.last_seen),
          std::move(view.registered_at),
          std::move(view.kid),
          std::move(view.extra_hostnames),
          view.simulated,
          std::move(view.verdict),
          std::move(view.tcb_status),
          std::move(view.mrtd),
          view.compat};
}

}  // namespace

Result<FleetHealth> FleetClient::health() const {
  auto health =
      connection_->ask(connection_->to_cp("GET", "/health"), protocol::cp_health_from, Connection::Identity::nobody);
  if (!health) return tl::unexpected(std::move(health).error());
  return FleetHealth{
      health->ok,         std::move(health->version), std::move(health->env), std::move(health->hostname),
      health->simulated,  std::move(health->policy),  health->agent_count,    health->healthy_count,
      health->uptime_secs};
}

Result<std::vector<AgentSummary>> FleetClient::agents() const {
  auto views = connection_->ask(connection_->to_cp("GET", "/api/agents"), protocol::agent_views_from);
  if (!views) return tl::unexpected(std::move(views).error());
  std::vector<AgentSummary> agents;
  for (auto& view : *views) agents.push_back(summary_of(std::move(view)));
  return agents;
}

Result<AgentSummary> FleetClient::find_agent(std::string_view name) const {
  auto all = agents();
  if (!all) return tl::unexpected(std::move(all).error());
  return choose_agent(*all, name);
}

Result<void> FleetClient::revoke(std::string_view agent_id, std::string_view reason) const {
  auto request = connection_->to_cp("POST", "/api/agents/" + net::percent_encode(agent_id) + "/revoke");
  request.body = to_text(to_json_value(protocol::RevokeRequest{std::string(reason)}));
  return connection_->call(std::move(request)).map([](const std::string&) {});
}

Result<JoinTicket> FleetClient::invite(std::string_view vm_name) const {
  auto request = connection_->to_cp("POST", "/api/invites");
  request.body = to_text(to_json_value(protocol::InviteRequest{std::string(vm_name)}));
  auto invite = connection_->ask(std::move(request), protocol::invite_from);
  if (!invite) return tl::unexpected(std::move(invite).error());
  return JoinTicket{Secret(std::move(invite->ticket)), invite->expires_at};
}

Result<SignInLink> FleetClient::sign_in_link() const {
  auto answer = connection_->ask(connection_->to_cp("POST", "/auth/link"), protocol::link_answer_from);
  if (!answer) return tl::unexpected(std::move(answer).error());
  return SignInLink{std::move(answer->url), answer->expires_in};
}

}  // namespace dd
