#include "libdd/agent/deploy_api.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/agent/owner_auth.hpp"
#include "libdd/agent/ports.hpp"
#include "libdd/core/decimal.hpp"
#include "libdd/core/json.hpp"
#include "libdd/net/backoff.hpp"

namespace dd::agent {
namespace {

constexpr std::size_t kMaxDeployRequest = 256 * 1024;
constexpr net::BackoffOptions kLookPause{std::chrono::milliseconds(50), std::chrono::milliseconds(1'000)};
constexpr std::int64_t kDefaultTail = 100;
// Also where this VM boots nothing of that name: who reads a list of what runs must not take a workload for the platform.
constexpr std::array<std::string_view, 4> kPlatformNames = {"connector", "dd-agent", "dd-cp", "dd-enclave"};

std::string port_text(const Expose& expose) { return "port " + std::to_string(expose.port); }

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

/// Whether a live workload of another app stands in the way of one of the wanted ports or labels.
Result<void> check_against(const DeployRequest& wanted, const DeploymentInfo& other) {
  for (const auto& mine : wanted.expose) {
    for (const auto& theirs : other.expose) {
      if (mine.hostname_label == theirs.hostname_label)
        return fail(ErrorCode::conflict, "label_in_use",
                    "cannot deploy: label " + mine.hostname_label + " is held by " + other.app_name);
      if (mine.port == theirs.port)
        return fail(ErrorCode::conflict, "port_in_use",
                    "cannot deploy: " + port_text(mine) + " is held by " + other.app_name);
    }
  }
  return {};
}

}  // namespace

void DeployApi::add_routes(net::Router& router) {
  net::RouteOptions owner;
  owner.authenticate = owner_only(context_);
  owner.max_body = kMaxDeployRequest;
  owner.handler_deadline = context_.options.deploy_wait + std::chrono::seconds(50);
  router.add("POST", "/deploy", [this](const net::ServerRequest& request) { return deploy(request); }, owner);
  router.add("GET", "/deployments", [this](const net::ServerRequest&) { return deployments(); }, owner);
  router.add("DELETE", "/deployments/{app}", [this](const net::ServerRequest& request) { return mop(request); }, owner);
  router.add("GET", "/logs/{app}", [this](const net::ServerRequest& request) { return logs(request); }, owner);
}

net::Task<Result<net::ServerResponse>> DeployApi::deploy(const net::ServerRequest& request) {
  auto wanted = parse_deploy_request(request.body);
  if (!wanted) co_return tl::unexpected(wanted.error());
  const auto turn = co_await turns_.take(wanted->app_name);
  auto id = co_await claim(*wanted);
  if (!id) co_return tl::unexpected(id.error());
  log::info("deployed", {{"app", wanted->app_name}, {"by", request.principal}, {"id", *id}});
  const auto answer = co_await follow(*std::move(wanted), *std::move(id));
  if (!answer) co_return tl::unexpected(answer.error());
  co_return net::json_response(to_text(protocol::to_json_value(*answer)));
}

net::Task<Result<std::string>> DeployApi::claim(DeployRequest wanted) {
  const auto turn = co_await claims_.take();
  const auto free = co_await check_free(wanted);
  if (!free) co_return tl::unexpected(free.error());
  auto id = co_await context_.runtime.deploy(wanted);
  if (!id) co_return wrap(id.error(), "cannot deploy " + wanted.app_name);
  co_return id;
}

net::Task<Result<void>> DeployApi::check_free(DeployRequest wanted) {
  if (std::find(kPlatformNames.begin(), kPlatformNames.end(), wanted.app_name) != kPlatformNames.end())
    co_return fail(ErrorCode::conflict, "reserved_name",
                   "cannot deploy " + wanted.app_name + ": the name belongs to the platform");
  const auto running = co_await context_.runtime.list();
  if (!running) co_return wrap(running.error(), "cannot deploy");
  std::vector<std::uint16_t> own_ports;  // of the deployment that this one replaces
  for (const auto& other : *running) {
    if (other.boot && other.app_name == wanted.app_name)
      co_return fail(ErrorCode::conflict, "reserved_name",
                     "cannot deploy " + wanted.app_name + ": the name belongs to a boot workload");
    if (!is_live(other.status)) continue;
    if (other.app_name == wanted.app_name) {
      for (const auto& expose : other.expose) own_ports.push_back(expose.port);
    } else if (auto clear = check_against(wanted, other); !clear) {
      co_return clear;
    }
  }
  for (std::size_t i = 0; i < wanted.expose.size(); ++i) {
    const auto& expose = wanted.expose[i];
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
  co_return Result<void>();
}

net::Task<Result<protocol::DeployAnswer>> DeployApi::follow(DeployRequest wanted, std::string id) {
  protocol::DeployAnswer answer;
  answer.id = id;
  answer.app_name = wanted.app_name;
  for (const auto& member : wanted.unknown) answer.warnings.push_back("unknown member " + member + " was ignored");

  const auto deadline = std::chrono::steady_clock::now() + context_.options.deploy_wait;
  const auto left = [deadline] {
    const auto rest = deadline - std::chrono::steady_clock::now();
    return std::max(std::chrono::ceil<std::chrono::milliseconds>(rest), std::chrono::milliseconds(0));
  };
  std::string missing = wanted.github_release ? "its release is still being fetched" : "it has not started yet";
  net::Backoff pause(kLookPause, context_.random);
  while (true) {
    const auto info = co_await until_it_listens(id, left());
    if (!info) co_return wrap(info.error(), "cannot follow the deployment of " + wanted.app_name);
    answer.status = dd::to_string(info->status);
    if (info->status == DeploymentStatus::failed)
      co_return fail(ErrorCode::invalid_argument, "cannot start " + wanted.app_name + ": " + info->error_message);
    if (!is_live(info->status)) {
      if (!wanted.expose.empty()) answer.warnings.push_back("it ended before its ports answered; see its logs");
      co_return answer;
    }
    if (info->status == DeploymentStatus::running) {
      const auto synced = co_await exposer_.sync();
      missing = synced ? missing_of(*info) : synced.error().message;
      answer.hostnames.clear();
      answer.urls.clear();
      for (const auto& expose : wanted.expose) {
        if (!exposer_.is_public(expose, id)) continue;
        answer.hostnames.push_back(exposer_.hostname_of(expose.hostname_label));
        answer.urls.push_back(exposer_.url_of(expose, answer.hostnames.back()));
      }
      if (answer.hostnames.size() == wanted.expose.size()) {
        if (exposer_.quarantined() && !wanted.expose.empty())
          answer.warnings.push_back(
              "not public yet: the control plane holds this agent in quarantine until its attestation is good again");
        co_return answer;
      }
    }
    if (left().count() == 0) break;
    co_await net::sleep_for(std::min(pause.next(), left()));
  }
  answer.status = dd::to_string(DeploymentStatus::deploying);
  answer.warnings.push_back("not public yet: " + missing);
  co_return answer;
}

std::string DeployApi::missing_of(const DeploymentInfo& info) const {
  std::string text;
  for (const auto& expose : info.expose)
    if (!exposer_.is_public(expose, info.id)) text += (text.empty() ? "" : ", ") + port_text(expose);
  text += " does not answer yet";
  if (!info.listeners) return text;
  std::set<std::uint16_t> others;
  for (const auto& listener : *info.listeners) others.insert(listener.port);
  for (const auto& expose : info.expose) others.erase(expose.port);
  for (const auto port : others) text += (port == *others.begin() ? "; it listens on " : ", ") + std::to_string(port);
  return text;
}

net::Task<Result<DeploymentInfo>> DeployApi::until_it_listens(std::string id, std::chrono::milliseconds timeout) {
  if (runtime_waits_) {
    auto info = co_await context_.runtime.wait_until_listening(id, timeout);
    if (info || info.error().code != ErrorCode::unsupported) co_return info;
    // One of an earlier version: it is asked again and again.
    runtime_waits_ = false;
  }
  auto all = co_await context_.runtime.list();
  if (!all) co_return tl::unexpected(all.error());
  for (auto& info : *all)
    if (info.id == id) co_return std::move(info);
  co_return fail(ErrorCode::not_found, "cannot find deployment " + id);
}

net::Task<Result<net::ServerResponse>> DeployApi::deployments() {
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

net::Task<Result<net::ServerResponse>> DeployApi::logs(const net::ServerRequest& request) {
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

net::Task<Result<net::ServerResponse>> DeployApi::mop(const net::ServerRequest& request) {
  const auto app_name = request.params.at(0);
  const auto turn = co_await turns_.take(app_name);
  const auto all = co_await context_.runtime.list();
  if (!all) co_return tl::unexpected(all.error());
  const auto shown = choose_deployment(*all, app_name);
  if (!shown) co_return tl::unexpected(shown.error());
  if (shown->boot)
    co_return fail(ErrorCode::conflict, "reserved_name", "cannot mop " + app_name + ": it is a boot workload");
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
    if (!stopped) co_return wrap(stopped.error(), "cannot mop " + app_name);
  }
  const auto synced = co_await exposer_.sync();
  if (!synced)
    co_return wrap(synced.error(),
                   "cannot take the host names of " + app_name + " away yet; it is stopped and they go later");
  log::info("mopped", {{"app", app_name}, {"by", request.principal}});
  co_return net::json_response(to_text(protocol::to_json_value(answer)));
}

}  // namespace dd::agent
