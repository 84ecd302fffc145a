#include "libdd/agent/deployment_views.hpp"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "libdd/agent/owner_auth.hpp"
#include "libdd/core/config_values.hpp"
#include "libdd/core/decimal.hpp"
#include "libdd/core/json.hpp"
#include "libdd/net/backoff.hpp"
#include "libdd/net/deadline.hpp"

namespace dd::agent {
namespace {

constexpr std::int64_t kDefaultTail = 100;
constexpr std::int64_t kLastLines = 20;
constexpr net::BackoffOptions kPublishPause{std::chrono::milliseconds(50), std::chrono::milliseconds(1'000)};
constexpr const char* kInQuarantine =
    "not public yet: the control plane holds this agent in quarantine until its attestation is good again";

/// The number that the query gives by that name; nothing when it does not.
Result<std::optional<std::int64_t>> query_number(const net::ServerRequest& request, const std::string& name,
                                                 std::int64_t least, std::int64_t most) {
  const auto text = request.query_value(name);
  if (!text) return std::nullopt;
  const auto number = decimal<std::int64_t>(*text);
  if (!number || *number < least || *number > most)
    return fail_at(ErrorCode::invalid_argument, name,
                   "cannot read " + name + ": want a number in " + std::to_string(least) + ".." + std::to_string(most));
  return number;
}

Result<DeploymentChoice> choice_in(const net::ServerRequest& request) {
  DeploymentChoice choice;
  choice.id = request.query_value("id").value_or("");
  const auto previous = request.query_value("previous");
  if (previous && *previous != "true" && *previous != "false")
    return fail_at(ErrorCode::invalid_argument, "previous", "cannot read previous: want true or false");
  choice.previous = previous == "true";
  if (choice.previous && !choice.id.empty())
    return fail_at(ErrorCode::invalid_argument, "previous", "cannot look for a previous deployment and for one by id");
  return choice;
}

}  // namespace

Result<std::chrono::milliseconds> wait_in(const net::ServerRequest& request, std::chrono::milliseconds otherwise) {
  const auto text = request.query_value("wait");
  if (!text) return otherwise;
  if (*text == "0" || *text == "0s") return std::chrono::milliseconds(0);
  const auto wait = config_values::duration(*text);
  if (!wait || *wait > kLongestWait)
    return fail_at(ErrorCode::invalid_argument, "wait", "cannot read wait: want a duration of 0 to 90 s, like \"30s\"");
  return *wait;
}

void DeploymentViews::add_routes(net::Router& router) {
  net::RouteOptions owner;
  owner.authenticate = owner_only(context_);
  owner.handler_deadline = kLongestWait + std::chrono::seconds(8);
  router.add("GET", "/deployments", [this](const net::ServerRequest&) { return deployments(); }, owner);
  router.add(
      "GET", "/deployments/{id}", [this](const net::ServerRequest& request) { return deployment(request); }, owner);
  router.add("GET", "/logs/{app}", [this](const net::ServerRequest& request) { return logs(request); }, owner);
}

net::Task<Result<net::ServerResponse>> DeploymentViews::deployment(const net::ServerRequest& request) {
  const auto wait = wait_in(request, std::chrono::milliseconds(0));
  if (!wait) co_return tl::unexpected(wait.error());
  auto id = request.params.at(0);
  const auto answer = co_await what_became_of(std::move(id), *wait);
  if (!answer) co_return tl::unexpected(answer.error());
  co_return net::json_response(to_text(protocol::to_json_value(*answer)));
}

net::Task<Result<protocol::DeployAnswer>> DeploymentViews::what_became_of(std::string id,
                                                                          std::chrono::milliseconds wait) {
  const auto rollout = rollouts_.find(id);
  std::string missing;
  if (rollout) {
    auto waiting = until_public(rollout, wait);
    missing = co_await std::move(waiting);
  }
  Result<DeploymentInfo> info;
  do {
    if (rollout) id = rollout->id;
    info = co_await find_listening(id);
  } while (rollout && rollout->id != id);  // it was tried again meanwhile
  if (!info) co_return tl::unexpected(info.error());

  protocol::DeployAnswer answer;
  answer.id = info->id;
  answer.app_name = info->app_name;
  answer.status = dd::to_string(info->status);
  answer.exit_code = info->exit_code;
  answer.signal = info->signal;
  answer.rollback_of = info->rollback_of;
  answer.expose = info->expose;
  std::set<std::uint16_t> ports;
  for (const auto& listener : info->listeners.value_or(std::vector<ListenAddress>{})) ports.insert(listener.port);
  answer.listening.assign(ports.begin(), ports.end());
  add_names(answer, *info);
  const bool runs_in_public = info->status == DeploymentStatus::running && exposer_.is_wholly_public(*info);
  answer.ready = rollout ? rollout->ready : runs_in_public || ended_well(*info);
  // One of before this agent was started is public again soon.
  answer.settled = rollout ? rollout->settled : answer.ready || !is_live(info->status);
  if (rollout) {
    answer.replaced = rollout->replaced;
    answer.rolled_back = rollout->rolled_back;
    answer.reason = rollout->reason;
    answer.warnings = rollout->warnings;
  }
  const bool failed = answer.settled && !answer.ready;
  if (rollout && rollout->port_taken && !answer.settled) answer.status = dd::to_string(DeploymentStatus::deploying);
  if (rollout && is_live(info->status) && !failed && !(answer.ready && exposer_.is_wholly_public(*info))) {
    answer.status = dd::to_string(DeploymentStatus::deploying);
    answer.warnings.push_back("not public yet: " + (missing.empty() ? what_it_lacks(*info) : missing));
  } else if (is_live(info->status) && exposer_.quarantined() && !info->expose.empty()) {
    answer.warnings.emplace_back(kInQuarantine);
  }
  if (failed) {
    auto lines = co_await context_.runtime.logs(info->id, kLastLines, std::nullopt);
    if (lines) answer.last_lines = std::move(lines->lines);
  }
  co_return answer;
}

net::Task<std::string> DeploymentViews::until_public(RolloutPtr rollout, std::chrono::milliseconds wait) {
  const net::Deadline deadline(wait);
  co_await rollouts_.settled(rollout, deadline.left());
  if (!rollout->ready) co_return std::string();
  net::Backoff pause(kPublishPause, context_.random);
  while (true) {
    const auto synced = co_await exposer_.sync();
    DeploymentChoice this_one;
    this_one.id = rollout->id;
    const auto info = co_await context_.runtime.find(rollout->app_name, std::move(this_one));
    if (!info || !is_live(info->status) || exposer_.is_wholly_public(*info)) co_return std::string();
    if (deadline.over()) co_return synced ? std::string() : synced.error().message;
    co_await net::sleep_for(std::min(pause.next(), deadline.left()));
  }
}

net::Task<Result<DeploymentInfo>> DeploymentViews::find_listening(std::string id) {
  auto all = co_await context_.runtime.list();
  if (!all) co_return tl::unexpected(all.error());
  const auto before = std::ranges::find(*all, id, &DeploymentInfo::id);
  if (before != all->end() && (!is_live(before->status) || exposer_.recall(*before))) co_return std::move(*before);
  all = co_await context_.runtime.list_with_listeners();
  if (!all) co_return tl::unexpected(all.error());
  const auto found = std::ranges::find(*all, id, &DeploymentInfo::id);
  if (found == all->end()) co_return fail(ErrorCode::not_found, "cannot find deployment " + id);
  co_return std::move(*found);
}

void DeploymentViews::add_names(protocol::DeployAnswer& answer, const DeploymentInfo& info) const {
  for (const auto& expose : info.expose) {
    if (!is_live(info.status) || !exposer_.is_public(expose, info.id)) continue;
    answer.hostnames.push_back(exposer_.hostname_of(expose.hostname_label));
    answer.urls.push_back(exposer_.url_of(expose, answer.hostnames.back()));
  }
}

net::Task<Result<net::ServerResponse>> DeploymentViews::deployments() {
  const auto all = co_await context_.runtime.list();
  if (!all) co_return tl::unexpected(all.error());
  Json list = Json::array();
  for (const auto& info : *all) {
    list.push_back(dd::to_json_value(info));
    list.back()["urls"] = exposer_.urls_of(info);
  }
  const Json answer = {{"deployments", std::move(list)}};
  co_return net::json_response(to_text(answer));
}

net::Task<Result<net::ServerResponse>> DeploymentViews::logs(const net::ServerRequest& request) {
  const auto tail = query_number(request, "tail", 1, kMaxLogLines);
  if (!tail) co_return tl::unexpected(tail.error());
  const auto from = query_number(request, "from", 0, kMaxLogLine);
  if (!from) co_return tl::unexpected(from.error());
  auto choice = choice_in(request);
  if (!choice) co_return tl::unexpected(choice.error());
  auto info = co_await context_.runtime.find(request.params.at(0), *std::move(choice));
  if (!info) co_return tl::unexpected(info.error());
  const auto answer = co_await context_.runtime.log_of(*std::move(info), tail->value_or(kDefaultTail), *from);
  if (!answer) co_return tl::unexpected(answer.error());
  co_return net::json_response(to_text(protocol::to_json_value(*answer)));
}

}  // namespace dd::agent
