#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/core/config_values.hpp"
#include "libdd/fleet_client/connection.hpp"
#include "libdd/protocol/fleet.hpp"

namespace dd {
namespace {

std::string query_of(const DeploymentChoice& choice) {
  if (!choice.id.empty()) return "&id=" + net::percent_encode(choice.id);
  return choice.previous ? "&previous=true" : "";
}

using Wait = std::optional<std::chrono::milliseconds>;

/// Of an app or of a deployment by its id.
std::string path_of(std::string_view name) { return "/deployments/" + net::percent_encode(name); }

std::string wait_query(std::chrono::milliseconds wait) {
  return "wait=" + (wait.count() == 0 ? "0" : config_values::show(wait));
}

Deployed deployed_from(protocol::DeployAnswer answer) {
  return {std::move(answer.id),
          std::move(answer.status),
          std::move(answer.app_name),
          std::move(answer.hostnames),
          std::move(answer.urls),
          std::move(answer.warnings),
          answer.ready,
          answer.settled,
          answer.rolled_back,
          std::move(answer.replaced),
          std::move(answer.rollback_of),
          std::move(answer.reason),
          answer.exit_code,
          answer.signal,
          std::move(answer.last_lines),
          std::move(answer.listening),
          std::move(answer.expose)};
}

}  // namespace

Result<Deployed> FleetClient::deploy(std::string_view agent, const DeployRequest& request) const {
  return deploy_text(agent, to_text(to_json_value(request)));
}

Result<Deployed> FleetClient::deploy_text(std::string_view agent, std::string_view request, Wait wait) const {
  return connection_->start(agent, "/deploy", request, wait);
}

Result<Deployed> FleetClient::restart(std::string_view agent, std::string_view app, Wait wait) const {
  return connection_->start(agent, path_of(app) + "/restart", {}, wait);
}

Result<Deployed> FleetClient::rollback(std::string_view agent, std::string_view app, Wait wait) const {
  return connection_->start(agent, path_of(app) + "/rollback", {}, wait);
}

Result<Deployed> FleetClient::Connection::start(std::string_view agent, const std::string& path, std::string_view body,
                                                Wait wait) const {
  auto call = to_agent("POST", agent, wait ? path + "?" + wait_query(*wait) : path);
  if (!call) return tl::unexpected(std::move(call).error());
  call->body = body;
  return ask(*std::move(call), protocol::deploy_answer_from).map(deployed_from);
}

Result<Deployed> FleetClient::deployment(std::string_view agent, std::string_view id,
                                         std::chrono::milliseconds wait) const {
  auto call = connection_->to_agent("GET", agent, path_of(id) + "?" + wait_query(wait));
  if (!call) return tl::unexpected(std::move(call).error());
  return connection_->ask(*std::move(call), protocol::deploy_answer_from).map(deployed_from);
}

Result<std::vector<DeploymentInfo>> FleetClient::deployments(std::string_view agent) const {
  auto call = connection_->to_agent("GET", agent, "/deployments");
  if (!call) return tl::unexpected(std::move(call).error());
  auto answer = connection_->ask(*std::move(call), protocol::deployments_answer_from);
  if (!answer) return tl::unexpected(std::move(answer).error());
  return std::move(answer->deployments);
}

Result<WorkloadLogs> FleetClient::Connection::logs(std::string_view agent, std::string_view app,
                                                   const std::string& query) const {
  auto call = to_agent("GET", agent, "/logs/" + net::percent_encode(app) + "?" + query);
  if (!call) return tl::unexpected(std::move(call).error());
  auto answer = ask(*std::move(call), protocol::logs_answer_from);
  if (!answer) return tl::unexpected(std::move(answer).error());
  return WorkloadLogs{std::move(answer->app_name),  std::move(answer->id), std::move(answer->status),
                      std::move(answer->log.lines), answer->log.first,     answer->log.next};
}

Result<WorkloadLogs> FleetClient::logs(std::string_view agent, std::string_view app, std::int64_t tail,
                                       const DeploymentChoice& choice) const {
  return connection_->logs(agent, app, "tail=" + std::to_string(tail) + query_of(choice));
}

Result<WorkloadLogs> FleetClient::logs_from(std::string_view agent, std::string_view app, std::int64_t from,
                                            std::int64_t most, const DeploymentChoice& choice) const {
  return connection_->logs(agent, app,
                           "from=" + std::to_string(from) + "&tail=" + std::to_string(most) + query_of(choice));
}

Result<Mopped> FleetClient::mop(std::string_view agent, std::string_view app) const {
  return connection_->end("DELETE", agent, path_of(app));
}

Result<Mopped> FleetClient::stop(std::string_view agent, std::string_view app) const {
  return connection_->end("POST", agent, path_of(app) + "/stop");
}

Result<Mopped> FleetClient::Connection::end(std::string method, std::string_view agent, const std::string& path) const {
  auto call = to_agent(std::move(method), agent, path);
  if (!call) return tl::unexpected(std::move(call).error());
  auto answer = ask(*std::move(call), protocol::mop_answer_from);
  if (!answer) return tl::unexpected(std::move(answer).error());
  return Mopped{std::move(answer->app_name), std::move(answer->id), std::move(answer->hostnames)};
}

Result<std::string> FleetClient::evidence(std::string_view agent, ByteView nonce) const {
  if (nonce.size() < 16 || nonce.size() > 64)
    return fail(ErrorCode::invalid_argument,
                "cannot ask for evidence: nonce of " + std::to_string(nonce.size()) + " bytes, want 16..64");
  auto call = connection_->to_agent("GET", agent, "/attest?nonce=" + to_base64url(nonce));
  if (!call) return tl::unexpected(std::move(call).error());
  return connection_->call(*std::move(call));
}

}  // namespace dd
