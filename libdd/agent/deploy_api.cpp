#include "libdd/agent/deploy_api.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/agent/chosen_ports.hpp"
#include "libdd/agent/owner_auth.hpp"
#include "libdd/agent/ports.hpp"
#include "libdd/core/json.hpp"
#include "libdd/workload/reserved_names.hpp"

namespace dd::agent {
namespace {

constexpr std::size_t kMaxDeployRequest = 256 * 1024;

std::string port_text(const Expose& expose) { return "port " + std::to_string(expose.port); }

/// Whether a live workload of another app stands in the way of one of the wanted ports or labels.
Result<void> check_against(const DeployRequest& wanted, const DeploymentInfo& other) {
  for (const auto& mine : wanted.expose) {
    for (const auto& theirs : other.expose) {
      if (mine.hostname_label == theirs.hostname_label)
        return fail(ErrorCode::conflict, "label_in_use",
                    "cannot deploy: label " + mine.hostname_label + " is held by " + other.app_name);
      if (mine.port == theirs.port && mine.port != 0)
        return fail(ErrorCode::conflict, "port_in_use",
                    "cannot deploy: " + port_text(mine) + " is held by " + other.app_name);
    }
  }
  return {};
}

}  // namespace

void DeployApi::add_routes(net::Router& router) {
  views_.add_routes(router);
  net::RouteOptions owner;
  owner.authenticate = owner_only(context_);
  owner.max_body = kMaxDeployRequest;
  owner.handler_deadline = kLongestWait + std::chrono::seconds(50);
  router.add("POST", "/deploy", [this](const net::ServerRequest& request) { return deploy(request); }, owner);
  const auto on_app = [&](const char* method, const char* pattern, auto member) {
    router.add(
        method, pattern, [this, member](const net::ServerRequest& request) { return (this->*member)(request); }, owner);
  };
  on_app("POST", "/deployments/{app}/restart", &DeployApi::restart);
  on_app("POST", "/deployments/{app}/rollback", &DeployApi::rollback);
  on_app("POST", "/deployments/{app}/stop", &DeployApi::stop);
  on_app("DELETE", "/deployments/{app}", &DeployApi::mop);
}

net::Task<Result<net::ServerResponse>> DeployApi::deploy(const net::ServerRequest& request) {
  const auto wait = wait_in(request, context_.options.deploy_wait);
  if (!wait) co_return tl::unexpected(wait.error());
  auto wanted = parse_deploy_request(request.body);
  if (!wanted) co_return tl::unexpected(wanted.error());
  const auto rollout = co_await start(*wanted);
  if (!rollout) co_return tl::unexpected(rollout.error());
  log::info("deployed", {{"app", wanted->app_name}, {"by", request.principal}, {"id", (*rollout)->id}});
  auto answering = answer_for(*rollout, *wait);
  co_return co_await std::move(answering);
}

net::Task<Result<net::ServerResponse>> DeployApi::restart(const net::ServerRequest& request) {
  return again(request, Again::restart);
}

net::Task<Result<net::ServerResponse>> DeployApi::rollback(const net::ServerRequest& request) {
  return again(request, Again::rollback);
}

net::Task<Result<net::ServerResponse>> DeployApi::again(const net::ServerRequest& request, Again what) {
  const auto wait = wait_in(request, context_.options.deploy_wait);
  if (!wait) co_return tl::unexpected(wait.error());
  auto app_name = request.params.at(0);
  const auto rollout = co_await start_again(std::move(app_name), what);
  if (!rollout) co_return tl::unexpected(rollout.error());
  log::info(what == Again::restart ? "restarted" : "rolled back by hand",
            {{"app", (*rollout)->app_name}, {"by", request.principal}, {"id", (*rollout)->id}});
  auto answering = answer_for(*rollout, *wait);
  co_return co_await std::move(answering);
}

net::Task<Result<net::ServerResponse>> DeployApi::answer_for(RolloutPtr rollout, std::chrono::milliseconds wait) {
  const auto answer = co_await views_.what_became_of(rollout->id, wait);
  if (!answer) co_return wrap(answer.error(), "cannot follow the deployment of " + rollout->app_name);
  const auto why =
      rollout->app_name + ": " + answer->reason + (answer->rolled_back ? "; what was there before serves" : "");
  if (answer->settled && rollout->port_taken)
    co_return fail(ErrorCode::conflict, "port_in_use", "cannot deploy " + why);
  if (answer->settled && answer->status == "failed")
    co_return fail(ErrorCode::invalid_argument, "start_failed", "cannot start " + why);
  co_return net::json_response(to_text(protocol::to_json_value(*answer)));
}

net::Task<Result<RolloutPtr>> DeployApi::start(DeployRequest wanted) {
  const auto turn = co_await rollouts_.turn_of(wanted.app_name);
  const auto claims = co_await claims_.take();
  const auto neighbours = co_await check_free(wanted);
  if (!neighbours) co_return tl::unexpected(neighbours.error());
  const auto overlap = Handover::is_wanted(wanted);
  if (!overlap) co_return tl::unexpected(overlap.error());
  auto complete = with_ports(wanted, *neighbours);
  if (!complete) co_return tl::unexpected(complete.error());
  auto as_asked = std::exchange(wanted, *std::move(complete));
  Rollout next;
  next.app_name = wanted.app_name;
  next.ready_timeout = wanted.ready_timeout;
  next.on_failure = wanted.on_failure;
  for (const auto& member : wanted.unknown) next.warnings.push_back("unknown member " + member + " was ignored");
  next.replaced = rollouts_.good_one(wanted.app_name, neighbours->running);
  // Without one that is known to be good nothing is worth running on: what is under way is replaced.
  next.overlap = *overlap && !next.replaced.empty();
  as_asked.overlap = wanted.overlap = next.overlap;
  for (const auto& expose : as_asked.expose)
    if (expose.port == 0) next.chosen_ports.insert(expose.hostname_label);
  auto id = co_await context_.runtime.deploy(wanted);
  auto started = begin(std::move(next), std::move(id));
  if (started && !(*started)->chosen_ports.empty())
    // Not owned: it is called by what owns it.
    (*started)->start_elsewhere = [this, rollout = started->get(), as_asked = std::move(as_asked)] {
      return start_elsewhere(as_asked, rollout->id);
    };
  co_return started;
}

net::Task<Result<std::string>> DeployApi::start_elsewhere(DeployRequest wanted, std::string instead_of) {
  // Beside the one before it nobody else takes its process away.
  if (wanted.overlap == true) {
    const auto stopped = co_await context_.runtime.stop(std::move(instead_of));
    if (!stopped && stopped.error().code != ErrorCode::conflict) co_return tl::unexpected(stopped.error());
  }
  const auto claims = co_await claims_.take();
  const auto neighbours = co_await check_free(wanted);
  if (!neighbours) co_return tl::unexpected(neighbours.error());
  auto complete = with_ports(std::move(wanted), *neighbours);
  if (!complete) co_return tl::unexpected(complete.error());
  auto id = co_await context_.runtime.deploy(*complete);
  co_return id;
}

net::Task<Result<RolloutPtr>> DeployApi::start_again(std::string app_name, Again what) {
  const auto turn = co_await rollouts_.turn_of(app_name);
  const auto claims = co_await claims_.take();
  const auto all = co_await context_.runtime.list();
  if (!all) co_return tl::unexpected(all.error());
  const auto current = choose_deployment(*all, app_name);
  if (!current) co_return tl::unexpected(current.error());
  const auto wanted = what == Again::restart ? one_to_restart(*all, *current) : one_to_go_back_to(*all, *current);
  if (!wanted) co_return tl::unexpected(wanted.error());
  DeployRequest like;
  like.app_name = app_name;
  like.expose = wanted->expose;
  const auto neighbours = co_await check_free(like);
  if (!neighbours) co_return tl::unexpected(neighbours.error());
  Rollout next;
  next.app_name = app_name;
  if (const auto known = rollouts_.find(wanted->id)) next.ready_timeout = known->ready_timeout;
  if (what == Again::restart) {
    next.on_failure = OnFailure::keep;  // the same once more would fail as well
  } else {
    next.replaced = rollouts_.good_one(app_name, neighbours->running);
    next.rollback_of = current->id;
  }
  auto id = co_await context_.runtime.deploy_again(wanted->id, next.rollback_of);
  co_return begin(std::move(next), std::move(id));
}

Result<RolloutPtr> DeployApi::begin(Rollout next, Result<std::string> id) {
  if (!id) return wrap(id.error(), "cannot deploy " + next.app_name);
  rollouts_.supersede(next.app_name, "deployment " + *id + " took its place");
  next.id = *std::move(id);
  return rollouts_.begin(std::move(next));
}

Result<DeploymentInfo> DeployApi::one_to_go_back_to(const std::vector<DeploymentInfo>& all,
                                                    const DeploymentInfo& current) const {
  const auto first_of = [](const DeploymentInfo& info) { return info.repeats.empty() ? info.id : info.repeats; };
  const auto was_rolled_back = [&all](const DeploymentInfo& info) {
    return std::ranges::find(all, info.id, &DeploymentInfo::rollback_of) != all.end();
  };
  const auto is_good = [&](const DeploymentInfo& info) {
    if (info.app_name != current.app_name || info.status == DeploymentStatus::failed) return false;
    return first_of(info) != first_of(current) && !was_rolled_back(info) && rollouts_.may_be_good(info.id);
  };
  // What stands behind it in the list is under way; what it has just taken the place of may still live.
  auto at = std::find_if(all.rbegin(), all.rend(), [&](const DeploymentInfo& info) { return info.id == current.id; });
  for (; at != all.rend(); ++at)
    if (is_good(*at)) return *at;
  return fail(ErrorCode::not_found,
              "cannot roll " + current.app_name + " back: there is no earlier deployment of it that was good");
}

Result<DeploymentInfo> DeployApi::one_to_restart(const std::vector<DeploymentInfo>& all,
                                                 const DeploymentInfo& current) {
  if (is_live(current.status)) return current;
  for (auto at = all.rbegin(); at != all.rend(); ++at)
    if (at->app_name == current.app_name && at->status != DeploymentStatus::failed) return *at;
  return current;  // it never ran, as the runtime will say
}

net::Task<Result<DeployApi::Neighbours>> DeployApi::check_free(DeployRequest wanted) {
  if (is_platform_name(wanted.app_name))
    co_return fail(ErrorCode::conflict, "reserved_name",
                   "cannot deploy " + wanted.app_name + ": the name belongs to the platform");
  const auto running = co_await context_.runtime.list();
  if (!running) co_return wrap(running.error(), "cannot deploy");
  std::vector<std::uint16_t> own_ports;  // of the deployment that this one replaces
  Neighbours neighbours;
  const auto needed = rollouts_.needed();
  for (const auto& other : *running) {
    if (other.boot && is_same_name(other.app_name, wanted.app_name))
      co_return fail(ErrorCode::conflict, "reserved_name",
                     "cannot deploy " + wanted.app_name + ": the name belongs to a boot workload");
    if (!is_live(other.status) && !needed.contains(other.id)) continue;
    for (const auto& expose : other.expose) neighbours.live_ports.insert(expose.port);
    if (other.app_name == wanted.app_name) {
      for (const auto& expose : other.expose) own_ports.push_back(expose.port);
      if (other.status == DeploymentStatus::running) neighbours.running = other.id;
    } else if (auto clear = check_against(wanted, other); !clear) {
      co_return tl::unexpected(clear.error());
    }
  }
  for (std::size_t i = 0; i < wanted.expose.size(); ++i) {
    const auto& expose = wanted.expose[i];
    if (expose.port == 0) continue;
    const auto path = "$.expose[" + std::to_string(i) + "].port";
    if (expose.port == context_.port)
      co_return fail_at(ErrorCode::invalid_argument, path,
                        "cannot deploy: " + port_text(expose) + " is the agent's own");
    if (std::find(own_ports.begin(), own_ports.end(), expose.port) != own_ports.end()) continue;
    const auto holder = holder_of(expose.port);
    if (!holder.empty())
      co_return fail(ErrorCode::conflict, "port_in_use",
                     "cannot deploy: " + port_text(expose) + " is held by a process of " + holder);
  }
  co_return neighbours;
}

Result<DeployRequest> DeployApi::with_ports(DeployRequest wanted, const Neighbours& neighbours) const {
  const auto is_free = [&](std::uint16_t port) {
    return port != context_.port && !neighbours.live_ports.contains(port) && can_be_bound(port);
  };
  return with_chosen_ports(std::move(wanted), is_free, context_.random);
}

net::Task<Result<net::ServerResponse>> DeployApi::mop(const net::ServerRequest& request) { return end(request, "mop"); }

net::Task<Result<net::ServerResponse>> DeployApi::stop(const net::ServerRequest& request) {
  return end(request, "stop");
}

net::Task<Result<net::ServerResponse>> DeployApi::end(const net::ServerRequest& request, std::string verb) {
  const auto app_name = request.params.at(0);
  const auto turn = co_await rollouts_.turn_of(app_name);
  const auto all = co_await context_.runtime.list();
  if (!all) co_return tl::unexpected(all.error());
  const auto shown = choose_deployment(*all, app_name);
  if (!shown) co_return tl::unexpected(shown.error());
  if (shown->boot)
    co_return fail(ErrorCode::conflict, "reserved_name", "cannot " + verb + " " + app_name + ": it is a boot workload");
  rollouts_.supersede(app_name, verb == "mop" ? "it was mopped" : "it was stopped");
  protocol::MopAnswer answer{app_name, shown->id, {}};
  // A redeploy that failed, or is still being fetched, stands beside the deployment that runs.
  for (const auto& info : *all) {
    if (info.app_name != app_name) continue;
    for (const auto& expose : info.expose) {
      auto hostname = exposer_.hostname_of(expose.hostname_label);
      if (hostname.empty() || std::ranges::find(answer.hostnames, hostname) != answer.hostnames.end()) continue;
      answer.hostnames.push_back(std::move(hostname));
    }
    if (!is_live(info.status)) continue;
    const auto stopped = co_await context_.runtime.stop(info.id);
    // It may have ended since it was listed: replaced by what is mopped next.
    if (!stopped && stopped.error().code != ErrorCode::conflict)
      co_return wrap(stopped.error(), "cannot " + verb + " " + app_name);
  }
  const auto synced = co_await exposer_.sync();
  if (!synced)
    co_return wrap(synced.error(),
                   "cannot take the host names of " + app_name + " away yet; it is stopped and they go later");
  log::info(verb == "mop" ? "mopped" : "stopped", {{"app", app_name}, {"by", request.principal}});
  co_return net::json_response(to_text(protocol::to_json_value(answer)));
}

}  // namespace dd::agent
