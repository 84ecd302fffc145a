#include "libdd/agent/rollouts.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <ranges>
#include <set>
#include <utility>

#include "dd/log.hpp"
#include "libdd/core/config_values.hpp"
#include "libdd/net/backoff.hpp"
#include "libdd/net/deadline.hpp"

namespace dd::agent {
namespace {

// How often one is looked at that is not started yet: until then its time does not count.
constexpr std::chrono::milliseconds kLongestLook{1'000};
constexpr std::chrono::milliseconds kLongestSteadyLook{60'000};
constexpr std::chrono::milliseconds kLongestReady{600'000};
constexpr net::BackoffOptions kRuntimePause{std::chrono::milliseconds(100), std::chrono::milliseconds(2'000)};

std::string port_list(const std::set<std::uint16_t>& ports) {
  std::string text;
  for (const auto port : ports) text += (text.empty() ? "" : ", ") + std::to_string(port);
  return text;
}

}  // namespace

bool ended_well(const DeploymentInfo& info) {
  if (info.status == DeploymentStatus::completed) return true;
  return info.status == DeploymentStatus::exited && info.expose.empty() && info.exit_code == 0;
}

std::string how_it_ended(const DeploymentInfo& info) {
  if (info.status == DeploymentStatus::failed)
    return info.error_message.empty() ? "it cannot start" : info.error_message;
  if (info.status == DeploymentStatus::stopped) return "it was stopped";
  if (info.signal)
    return "it was ended by signal " + std::to_string(*info.signal) + " (" + strsignal(*info.signal) + ")";
  auto text = "it exited with status " + std::to_string(info.exit_code.value_or(0));
  if (!info.expose.empty()) text += " before its ports answered";
  return text;
}

std::string what_it_lacks(const DeploymentInfo& info) {
  if (info.status == DeploymentStatus::deploying) return "it has not started yet";
  std::set<std::uint16_t> wanted;
  std::set<std::uint16_t> others;
  for (const auto& listener : info.listeners.value_or(std::vector<ListenAddress>{})) others.insert(listener.port);
  for (const auto& expose : info.expose)
    if (!listens_on(info, expose.port)) wanted.insert(expose.port);
  for (const auto& expose : info.expose) others.erase(expose.port);
  if (wanted.empty())
    for (const auto& expose : info.expose) wanted.insert(expose.port);
  auto text = "port " + port_list(wanted) + " does not answer";
  if (!others.empty()) text += "; it listens on " + port_list(others);
  return text;
}

Rollouts::Rollouts(Context& context, Exposer& exposer)
    : context_(context),
      exposer_(exposer),
      handover_(context, exposer),
      watch_(context.runtime, context.random),
      turns_(context.executor),
      changed_(context.executor) {}

RolloutPtr Rollouts::begin(Rollout start) {
  auto rollout = std::make_shared<Rollout>(std::move(start));
  if (rollout->overlap) exposer_.hold_back(rollout->id);
  all_.push_back(rollout);
  forget_old();
  net::spawn(context_.executor, carry(rollout), "rollout");
  return rollout;
}

net::Task<void> Rollouts::adopt() {
  net::Backoff pause(kRuntimePause, context_.random);
  auto all = co_await context_.runtime.list();
  while (!all) {
    log::warning("cannot ask the runtime what is under way", {{"why", all.error().message}});
    co_await net::sleep_for(pause.next());
    all = co_await context_.runtime.list();
  }
  std::set<std::string> running;  // apps
  for (const auto& info : *all) {
    if (info.boot || info.status != DeploymentStatus::running || find(info.id) != nullptr) continue;
    if (running.insert(info.app_name).second) continue;
    log::info("taking up a redeploy", {{"app", info.app_name}, {"id", info.id}});
    supersede(info.app_name, "deployment " + info.id + " took its place");
    // What it was asked with is not known. Nothing is started again for it: what runs before it serves, as long as that lives.
    Rollout next;
    next.id = info.id;
    next.app_name = info.app_name;
    next.overlap = true;
    next.ready_timeout = kLongestReady;
    begin(std::move(next));
  }
}

void Rollouts::forget_old() {
  auto settled = std::ranges::count_if(all_, [](const RolloutPtr& one) { return one->settled; });
  for (auto at = all_.begin(); at != all_.end() && settled > static_cast<std::ptrdiff_t>(kKept);) {
    const bool goes = (*at)->settled;
    at = goes ? all_.erase(at) : at + 1;
    settled -= goes ? 1 : 0;
  }
}

RolloutPtr Rollouts::find(const std::string& id) const {
  const auto newest_first = std::views::reverse(all_);
  const auto found = std::ranges::find_if(newest_first, [&id](const RolloutPtr& one) { return one->is(id); });
  return found == newest_first.end() ? nullptr : *found;
}

bool Rollouts::may_be_good(const std::string& id) const {
  const auto rollout = find(id);
  return !rollout || (rollout->ready && rollout->id == id);
}

net::Task<void> Rollouts::settled(RolloutPtr rollout, std::chrono::milliseconds timeout) {
  const net::Deadline deadline(timeout);
  while (!rollout->settled && !deadline.over()) co_await changed_.wait(deadline.left());
}

void Rollouts::supersede(const std::string& app_name, const std::string& why) {
  for (const auto& rollout : all_)
    if (rollout->app_name == app_name && !rollout->settled) rollout->superseded = why;
}

std::string Rollouts::good_one(const std::string& app_name, const std::string& running) const {
  const auto newest = std::ranges::find_if(std::views::reverse(all_), [&](const RolloutPtr& one) {
    return one->app_name == app_name && (running.empty() || one->is(running));
  });
  // One that is not known to be good yet has its own to come back to.
  const bool unsure = newest != all_.rend() && !(*newest)->settled && !(*newest)->replaced.empty();
  return unsure ? (*newest)->replaced : running;
}

std::set<std::string> Rollouts::needed() const {
  std::set<std::string> ids;
  for (const auto& rollout : all_)
    if (!rollout->settled && !rollout->replaced.empty()) ids.insert(rollout->replaced);
  return ids;
}

net::Task<void> Rollouts::carry(RolloutPtr rollout) {
  auto reason = co_await judge_tries(rollout);
  rollout->reason = std::move(reason);
  rollout->start_elsewhere = nullptr;  // it knows the request, secrets included
  rollout->ready = rollout->reason.empty();
  if (rollout->ready) {
    log::info("deployment is ready", {{"app", rollout->app_name}, {"id", rollout->id}});
  } else {
    if (!rollout->superseded.empty()) rollout->give_way();
    log::warning("deployment is not ready",
                 {{"app", rollout->app_name}, {"id", rollout->id}, {"why", rollout->reason}});
    co_await come_back(rollout);
  }
  rollout->settled = true;
  exposer_.let_go(rollout->id);
  changed_.notify();
  if (rollout->ready && rollout->overlap) co_await handover_.complete(rollout->app_name, rollout->id);
  // What it leaves behind need not wait for the next look; whatever is wrong with that, the next look says.
  (void)co_await exposer_.sync();
}

net::Task<std::string> Rollouts::judge_tries(RolloutPtr rollout) {
  while (true) {
    auto reason = co_await judge(rollout);
    const bool again = co_await try_elsewhere(rollout);
    if (!again) co_return reason;
    log::info("other ports are chosen", {{"app", rollout->app_name}, {"id", rollout->id}, {"why", reason}});
    rollout->warnings.push_back(std::move(reason) + "; another port was chosen");
    rollout->port_taken = false;
  }
}

net::Task<bool> Rollouts::try_elsewhere(RolloutPtr rollout) {
  if (!rollout->port_taken || rollout->earlier_ids.size() == kMostNewTries) co_return false;
  const auto turn = co_await turn_of(rollout->app_name);
  if (!rollout->superseded.empty()) co_return false;
  auto starting = rollout->start_elsewhere();
  auto id = co_await std::move(starting);
  if (!id) {
    rollout->warnings.push_back("no other port was chosen: " + id.error().message);
    co_return false;
  }
  if (rollout->overlap) {
    exposer_.hold_back(*id);
    exposer_.let_go(rollout->id);
  }
  rollout->earlier_ids.push_back(std::exchange(rollout->id, *std::move(id)));
  co_return true;
}

net::Task<std::string> Rollouts::judge(RolloutPtr rollout) {
  auto reason = co_await judge_until_over(rollout);
  // Nothing takes this one's process away when somebody wants another: what it was started beside is what serves.
  if (rollout->overlap && !rollout->superseded.empty()) reason = rollout->superseded;
  co_return reason;
}

net::Task<std::string> Rollouts::judge_until_over(RolloutPtr rollout) {
  net::Deadline deadline(rollout->ready_timeout);
  net::Backoff pause(kRuntimePause, context_.random);
  while (true) {
    const auto look = std::min(deadline.left(), kLongestLook);
    const auto seen = co_await watch_.until_ready(rollout->id, look);
    if (!seen) {
      if (seen.error().code == ErrorCode::not_found || deadline.over()) co_return seen.error().message;
      co_await net::sleep_for(pause.next());
      continue;
    }
    const auto& info = seen->info;
    exposer_.saw(info);
    if (rollout->overlap && !rollout->superseded.empty()) co_return rollout->superseded;
    if (ended_well(info)) co_return std::string();
    if (seen->ready && !info.expose.empty()) co_return std::string();
    const bool tried = info.status == DeploymentStatus::running || info.status == DeploymentStatus::exited;
    if (tried && !rollout->chosen_ports.empty()) {
      auto taken = co_await watch_.taken_port(info, rollout->chosen_ports);
      rollout->port_taken = !taken.empty();
      if (rollout->port_taken) co_return taken;
    }
    if (!is_live(info.status)) co_return how_it_ended(info);
    if (seen->ready) {
      auto judging = judge_steady(rollout);
      co_return co_await std::move(judging);
    }
    // What it takes to fetch a release does not count, and has a limit of its own.
    if (info.status == DeploymentStatus::deploying) deadline = net::Deadline(rollout->ready_timeout);
    if (deadline.over()) co_return what_it_lacks(info) + " after " + config_values::show(rollout->ready_timeout);
  }
}

// Without a port to look at, a process that lives for a while is as good as one gets to know.
net::Task<std::string> Rollouts::judge_steady(RolloutPtr rollout) {
  const net::Deadline deadline(context_.options.steady_after);
  net::Backoff pause(kRuntimePause, context_.random);
  while (true) {
    const auto info = co_await watch_.until_ended(rollout->id, std::min(deadline.left(), kLongestSteadyLook));
    if (info && !is_live(info->status)) co_return ended_well(*info) ? std::string() : how_it_ended(*info);
    if (!info && info.error().code == ErrorCode::not_found) co_return info.error().message;
    if (deadline.over()) co_return info ? std::string() : info.error().message;
    if (!info) co_await net::sleep_for(std::min(pause.next(), deadline.left()));
  }
}

net::Task<void> Rollouts::come_back(RolloutPtr rollout) {
  if (rollout->on_failure == OnFailure::keep) co_return;
  RolloutPtr before;
  if (rollout->superseded.empty()) {
    const auto turn = co_await turn_of(rollout->app_name);
    Result<RolloutPtr> started;
    if (rollout->superseded.empty()) started = co_await start_the_one_before(rollout);
    if (!started) {
      rollout->reason += "; what was there before is not started again: " + started.error().message;
      log::error("cannot roll back", {{"app", rollout->app_name}, {"why", started.error().message}});
      co_return;
    }
    before = *std::move(started);
  }
  if (!rollout->superseded.empty() && !before) {
    rollout->give_way();
    // Where it runs beside another nobody else takes its process away. Without the turn, which whoever took its place has; it may be over already.
    if (rollout->overlap && !rollout->rolled_back) (void)co_await context_.runtime.stop(rollout->id);
    co_return;
  }
  if (!before) co_return;
  while (!before->settled) co_await changed_.wait(std::chrono::hours(1));
  rollout->rolled_back = before->ready;
  if (!before->ready)
    rollout->reason += "; what was there before is not ready again as " + before->id + ": " + before->reason;
}

// None when there is none, or when it runs on: what failed before it could take its place.
net::Task<Result<RolloutPtr>> Rollouts::start_the_one_before(RolloutPtr rollout) {
  const auto all = co_await context_.runtime.list();
  if (!all) co_return tl::unexpected(all.error());
  // What was under way when this one was asked for is no better than it.
  const auto was_good = [&](const DeploymentInfo& info) {
    return info.status == DeploymentStatus::running && (info.id == rollout->replaced || may_be_good(info.id));
  };
  for (const auto& info : *all) {
    if (info.app_name != rollout->app_name || !is_live(info.status)) continue;
    if (info.id != rollout->id && was_good(info)) {
      rollout->rolled_back = true;
      continue;
    }
    const auto stopped = co_await context_.runtime.stop(info.id);
    // It may have ended by itself meanwhile.
    if (!stopped && stopped.error().code != ErrorCode::conflict) co_return tl::unexpected(stopped.error());
  }
  if (rollout->rolled_back || rollout->replaced.empty()) co_return RolloutPtr();
  const auto again = co_await context_.runtime.deploy_again(rollout->replaced, rollout->id);
  if (!again) co_return tl::unexpected(again.error());
  log::info("rolled back",
            {{"app", rollout->app_name}, {"from", rollout->id}, {"to", rollout->replaced}, {"as", *again}});
  Rollout next;
  next.id = *again;
  next.app_name = rollout->app_name;
  next.ready_timeout = rollout->ready_timeout;
  next.on_failure = OnFailure::keep;
  next.rollback_of = rollout->id;
  next.replaced = rollout->replaced;  // also for whoever deploys before it is ready
  co_return begin(std::move(next));
}

}  // namespace dd::agent
