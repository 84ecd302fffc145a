#include "libdd/agent/handover.hpp"

#include <algorithm>
#include <set>

#include "dd/log.hpp"
#include "libdd/agent/ports.hpp"
#include "libdd/net/backoff.hpp"
#include "libdd/net/deadline.hpp"
#include "libdd/net/tcp_listeners.hpp"

namespace dd::agent {
namespace {

constexpr net::BackoffOptions kMovePause{std::chrono::milliseconds(50), std::chrono::milliseconds(1'000)};
constexpr std::chrono::milliseconds kLook{50};
// A connector that has just learned the new rules may still be about to connect by the old ones.
constexpr int kLooksWithoutVisitors = 2;

}  // namespace

Result<bool> Handover::is_wanted(const DeployRequest& request) {
  const auto is_fixed = [](const Expose& expose) { return expose.port != 0; };
  const auto fixed = std::ranges::find_if(request.expose, is_fixed);
  const bool is_kept = request.on_failure == OnFailure::keep;
  if (!request.overlap) {
    const bool has_state = std::ranges::find(request.unknown, "volumes") != request.unknown.end();
    return !request.expose.empty() && fixed == request.expose.end() && !request.privileged && !is_kept && !has_state;
  }
  const auto refuse = [](const std::string& why) {
    return fail_at(ErrorCode::invalid_argument, "$.overlap", "cannot deploy beside the one before: " + why);
  };
  if (*request.overlap && fixed != request.expose.end())
    return refuse("port " + std::to_string(fixed->port) +
                  " is named; leave it out, and the agent chooses one for each");
  if (*request.overlap && is_kept) return refuse("with on_failure keep both would stay");
  return *request.overlap;
}

net::Task<void> Handover::complete(std::string app_name, std::string to) {
  const bool is_public = co_await until_public(to);
  if (!is_public) co_return;
  const auto before = co_await earlier_than(app_name, to);
  if (before && before->empty()) co_return;
  if (before) co_await until_left(*before);
  net::Backoff pause(kMovePause, context_.random);
  while (true) {
    // Whatever came in between: what has ended, what was stopped, and `to` itself.
    const auto left = co_await earlier_than(app_name, to);
    if (left && left->empty()) co_return;
    if (left) co_await stop_all(*left, to);
    if (!left) log::warning("cannot see to the one before yet", {{"app", app_name}, {"why", left.error().message}});
    co_await net::sleep_for(pause.next());
  }
}

net::Task<void> Handover::stop_all(std::vector<DeploymentInfo> earlier, std::string to) {
  for (const auto& info : earlier) {
    const auto stopped = co_await context_.runtime.stop(info.id);
    if (stopped)
      log::info("its place is taken", {{"app", info.app_name}, {"id", info.id}, {"by", to}});
    else if (stopped.error().code != ErrorCode::conflict)
      log::warning("cannot stop the one before",
                   {{"app", info.app_name}, {"id", info.id}, {"why", stopped.error().message}});
  }
}

net::Task<bool> Handover::until_public(std::string to) {
  net::Backoff pause(kMovePause, context_.random);
  while (true) {
    // Whatever is wrong with it, the ingress that follows the workloads says.
    (void)co_await exposer_.sync();
    const auto all = co_await context_.runtime.list();
    if (all) {
      const auto info = std::ranges::find(*all, to, &DeploymentInfo::id);
      if (info == all->end() || !is_live(info->status)) co_return false;
      if (exposer_.is_wholly_public(*info)) co_return true;
    }
    co_await net::sleep_for(pause.next());
  }
}

net::Task<Result<std::vector<DeploymentInfo>>> Handover::earlier_than(std::string app_name, std::string to) {
  auto all = co_await context_.runtime.list();
  if (!all) co_return tl::unexpected(all.error());
  std::vector<DeploymentInfo> earlier;
  for (auto& info : *all) {
    if (info.id == to) {
      if (!is_live(info.status)) earlier.clear();
      break;
    }
    if (info.app_name == app_name && is_live(info.status)) earlier.push_back(std::move(info));
  }
  co_return earlier;
}

net::Task<bool> Handover::connector_runs(tunnel::ConfigVersion version) {
  if (!version || !context_.connector_version) co_return false;
  const auto runs = co_await context_.connector_version();
  co_return runs && *runs >= *version;
}

net::Task<void> Handover::until_left(std::vector<DeploymentInfo> earlier) {
  const auto ports = exposed_ports(earlier);
  if (ports.empty()) co_return;
  const auto version = exposer_.config_version();
  const net::Deadline deadline(longest_farewell_);
  bool moved = false;
  int without_visitors = 0;
  while (!deadline.over()) {
    if (!moved) moved = co_await connector_runs(version);
    without_visitors = moved && net::connections_at(ports) == 0 ? without_visitors + 1 : 0;
    if (without_visitors == kLooksWithoutVisitors) co_return;
    co_await net::sleep_for(std::min(kLook, deadline.left()));
  }
}

}  // namespace dd::agent
