#include "libdd/agent/exposer.hpp"

#include <algorithm>
#include <iterator>
#include <ranges>

#include "dd/log.hpp"
#include "libdd/agent/ports.hpp"
#include "libdd/agent/visitor.hpp"

namespace dd::agent {
namespace {

constexpr std::chrono::seconds kSeenFor{1};
constexpr std::chrono::milliseconds kHolderInterval{250};
// Two that pass a port to and fro must not spend what Cloudflare allows the fleet.
constexpr std::chrono::seconds kLostFor{30};
constexpr net::BackoffOptions kPause{std::chrono::milliseconds(50), std::chrono::milliseconds(1'000)};

}  // namespace

Exposer::Exposer(Context& context, CpCalls& calls, std::vector<Expose> fixed, std::function<void()> forgotten)
    : context_(context),
      calls_(calls),
      fixed_(std::move(fixed)),
      forgotten_(std::move(forgotten)),
      pause_(kPause, context.random),
      turns_(context.executor),
      stop_(context.executor) {}

// In an order that does not change with who holds what: else the same list would be published again.
std::vector<Expose> Exposer::with_fixed(std::vector<Expose> of_workloads) const {
  std::ranges::sort(of_workloads, {}, &Expose::hostname_label);
  auto extras = fixed_;
  std::ranges::move(of_workloads, std::back_inserter(extras));
  return extras;
}

net::Task<std::vector<Expose>> Exposer::at_registration() {
  std::vector<Expose> extras;
  const auto running = co_await context_.runtime.list();
  if (!running) {
    log::warning("cannot ask the runtime what it booted", {{"why", running.error().message}});
    co_return fixed_;
  }
  ++suspicion_;  // whether it is theirs is looked at next
  for (const auto& info : *running)
    for (const auto& expose : info.expose) {
      if (!is_live(info.status) || is_lost(info.id)) continue;
      if (info.boot) holders_[expose.hostname_label] = {info.app_name, info.id};
      if (is_public(expose, info.id))
        extras.push_back(*find_published(expose));
      else if (info.boot)
        extras.push_back(expose);
    }
  co_return with_fixed(std::move(extras));
}

void Exposer::registered(std::vector<Expose> extras, std::vector<std::string> hostnames) {
  hostnames_.clear();
  for (std::size_t i = 0; i < extras.size() && i < hostnames.size(); ++i)
    hostnames_[extras[i].hostname_label] = hostnames[i];
  published_ = std::move(extras);
  config_version_.reset();
  uncertain_ = false;
  last_.reset();
  pause_.reset();
}

Result<void> Exposer::later(std::vector<Expose> extras, Result<void> outcome) {
  std::chrono::milliseconds pause = pause_.next();
  if (!outcome) pause = heeded(pause, outcome.error(), context_.random);
  last_ = Attempt{std::move(extras), outcome, std::chrono::steady_clock::now() + pause};
  return outcome;
}

void Exposer::saw(const DeploymentInfo& info) {
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(seen_, [now](const auto& seen) { return now - seen.second.when > kSeenFor; });
  if (info.listeners) seen_[info.id] = {*info.listeners, now};
}

bool Exposer::recall(DeploymentInfo& info) const {
  const auto found = seen_.find(info.id);
  const bool known = found != seen_.end() && std::chrono::steady_clock::now() - found->second.when <= kSeenFor;
  if (known) info.listeners = found->second.listeners;
  return known;
}

net::Task<Result<std::vector<DeploymentInfo>>> Exposer::look() {
  looked_into_ = suspicion_;
  before_look_ = sockets_;
  everybody_seen_ = suspicion_ != settled_;
  if (everybody_seen_) {
    auto seen = co_await context_.runtime.list_with_listeners();
    if (!seen && !by_uid_) log::warning("cannot ask the runtime who listens", {{"why", seen.error().message}});
    by_uid_ = !seen;
    if (seen) co_return seen;
    // It may be a workload that makes it fail: then the uids have to do.
    auto named = co_await context_.runtime.list();
    if (named)
      for (auto& info : *named)
        if (has_own_uid(info)) info.listeners.emplace();
    co_return named;
  }
  auto all = co_await context_.runtime.list();
  if (!all) co_return all;
  bool known = false;
  bool unknown = false;
  for (auto& info : *all)
    if (is_awaited(info)) (recall(info) ? known : unknown) = true;
  everybody_seen_ = unknown;
  if (unknown) co_return co_await context_.runtime.list_with_listeners();
  // Of the others nobody has looked, which is not the same as that nobody can tell: they may become awaited before their turn.
  for (auto& info : *all)
    if (known && !info.listeners) info.listeners.emplace();
  co_return all;
}

net::Task<Result<Exposer::Wanted>> Exposer::wanted() {
  auto all = co_await look();
  if (!all) co_return wrap(all.error(), "cannot ask the runtime what runs");
  std::erase_if(first_seen_, [&all](const auto& seen) {
    return std::ranges::none_of(
        *all, [&seen](const DeploymentInfo& info) { return info.id == seen.first && is_live(info.status); });
  });
  auto live = *all;
  std::erase_if(live, [](const DeploymentInfo& info) { return !is_live(info.status); });
  std::erase_if(lost_, [&live](const auto& lost) {
    return std::ranges::find(live, lost.first, &DeploymentInfo::id) == live.end();
  });
  ports_ = exposed_ports(live);
  Wanted wanted;
  std::vector<Expose> extras;
  const auto take = [&](const Expose& expose, Holder holder) {
    if (wanted.holders.emplace(expose.hostname_label, std::move(holder)).second) extras.push_back(expose);
  };
  std::vector<Entry> kept;
  // Of two deployments of an app the newer one has its labels, as soon as it can.
  for (const auto& info : std::views::reverse(*all)) {
    if (!is_live(info.status)) continue;
    // What it takes to fetch it is not its time.
    if (info.status == DeploymentStatus::deploying) first_seen_[info.id] = context_.clock.now();
    for (const auto& expose : info.expose) {
      const auto ready = co_await when_ready(info, expose);
      if (ready) take(*ready, {info.app_name, info.id});
      if (auto before = ready ? std::nullopt : entry_before(info, expose)) kept.push_back(*std::move(before));
    }
  }
  for (const auto& entry : kept) {
    auto own = *all;
    std::erase_if(own, [&entry](const DeploymentInfo& info) {
      return info.app_name != entry.holder.app_name || info.status != DeploymentStatus::running;
    });
    // Of a process that is gone the port may have gone to somebody else.
    if (!everybody_seen_ || !met_by_another(own, entry.expose)) take(entry.expose, entry.holder);
  }
  wanted.extras = with_fixed(std::move(extras));
  co_return wanted;
}

net::Task<std::optional<Expose>> Exposer::when_ready(DeploymentInfo info, Expose expose) {
  if (info.status != DeploymentStatus::running) co_return std::nullopt;
  const bool published = is_public(expose, info.id);
  if (published) expose = *find_published(expose);
  // Once public it stays so while its process lives: a busy server that misses one probe must not lose its name.
  if (published && (!everybody_seen_ || !info.listeners || listens_at(*info.listeners, expose))) co_return expose;
  if (info.boot && !info.listeners) co_return expose;
  if (!published && (held_back_.contains(info.id) || is_lost(info.id))) co_return std::nullopt;
  const auto address = co_await answering_address(info, expose.port);
  if (!address.empty()) {
    expose.address = address;
    co_return expose;
  }
  const bool met = met_by_another({info}, expose);
  if ((published || info.boot) && !met) co_return expose;
  if (published) lose(info, expose);
  co_return std::nullopt;
}

// What was opened or closed while it was looked at is not another's: that socket was there before and still is.
bool Exposer::met_by_another(const std::vector<DeploymentInfo>& own, const Expose& expose) const {
  if (std::ranges::any_of(own, [](const DeploymentInfo& info) { return !info.listeners; })) return false;
  return std::ranges::any_of(net::tcp_listeners(), [&](const net::TcpListener& one) {
    const bool lasts = std::ranges::find(before_look_, one) != before_look_.end();
    return lasts && may_be_met_at(one, expose) &&
           std::ranges::none_of(own, [&one](const DeploymentInfo& info) { return is_own(one, info); });
  });
}

void Exposer::lose(const DeploymentInfo& info, const Expose& expose) {
  const bool known = is_lost(info.id);
  lost_[info.id] = std::chrono::steady_clock::now();
  if (known) return;
  log::warning("a workload is public no more: its port is somebody else's",
               {{"app", info.app_name}, {"port", expose.port}, {"holder", holder_of(expose.port)}});
}

bool Exposer::is_lost(const std::string& deployment_id) const {
  const auto found = lost_.find(deployment_id);
  return found != lost_.end() && std::chrono::steady_clock::now() - found->second < kLostFor;
}

bool Exposer::suspects() {
  auto sockets = ports_.empty() ? std::vector<net::TcpListener>() : net::tcp_listeners();
  std::erase_if(sockets, [this](const net::TcpListener& one) { return !ports_.contains(one.port); });
  std::ranges::sort(sockets, {}, &net::TcpListener::inode);
  if (sockets != sockets_) ++suspicion_;
  sockets_ = std::move(sockets);
  return suspicion_ != settled_;
}

std::optional<Exposer::Entry> Exposer::entry_before(const DeploymentInfo& info, const Expose& expose) {
  const bool fresh = is_fresh(info.id);
  const auto holder = holders_.find(expose.hostname_label);
  const auto before = std::ranges::find(published_, expose.hostname_label, &Expose::hostname_label);
  if (!fresh || before == published_.end() || holder == holders_.end()) return std::nullopt;
  // Nor is it kept for the one that has lost it.
  if (holder->second.app_name != info.app_name || holder->second.deployment_id == info.id) return std::nullopt;
  return Entry{*before, holder->second};
}

bool Exposer::is_awaited(const DeploymentInfo& info) const {
  if (info.status != DeploymentStatus::running || held_back_.contains(info.id)) return false;
  return !is_wholly_public(info);
}

bool Exposer::is_fresh(const std::string& deployment_id) {
  const auto now = context_.clock.now();
  return now - first_seen_.try_emplace(deployment_id, now).first->second < kSuccession;
}

net::Task<Result<void>> Exposer::sync() {
  std::string lane = "sync";
  const auto turn = co_await turns_.take(std::move(lane));
  if (!context_.state.membership)
    co_return fail(ErrorCode::unavailable, "cannot publish: not registered with the control plane yet");
  auto wanted = co_await this->wanted();
  if (!wanted) co_return tl::unexpected(wanted.error());
  auto& extras = wanted->extras;
  // In quarantine it asks again: only the answer tells that it is over.
  // What became of a list whose answer was an error, or was lost, is not known either.
  if (extras == published_ && !quarantined_ && !uncertain_) {
    holders_ = std::move(wanted->holders);
    settled_ = looked_into_;
    co_return Result<void>();
  }
  if (last_ && last_->extras == extras && std::chrono::steady_clock::now() < last_->again) co_return last_->outcome;
  auto answer = co_await calls_.replace_ingress(extras);
  if (!answer) {
    uncertain_ = true;
    if (answer.error().reason == "agent_unknown") forgotten_();
    co_return later(std::move(extras), tl::unexpected(answer.error()));
  }
  quarantined_ = answer->quarantined;
  settled_ = looked_into_;
  holders_ = std::move(wanted->holders);
  if (quarantined_ && extras == published_) co_return later(std::move(extras), {});
  registered(std::move(extras), std::move(answer->extra_hostnames));
  config_version_ = answer->config_version;
  co_return Result<void>();
}

net::Task<void> Exposer::run() {
  std::string last_problem;
  auto due = std::chrono::steady_clock::now();
  while (!stopping_) {
    const bool suspicious = suspects();
    const auto now = std::chrono::steady_clock::now();
    if (context_.state.membership && (suspicious || now >= due)) {
      due = now + context_.options.watch_interval;
      const auto synced = co_await sync();
      auto problem = synced ? std::string() : synced.error().message;
      if (!problem.empty() && problem != last_problem)
        log::warning("ingress does not follow the workloads now", {{"why", problem}});
      last_problem = std::move(problem);
    }
    co_await stop_.wait(std::min(context_.options.watch_interval, kHolderInterval));
  }
}

void Exposer::stop() {
  stopping_ = true;
  stop_.notify();
}

std::string Exposer::hostname_of(const std::string& label) const {
  const auto found = hostnames_.find(label);
  return found == hostnames_.end() ? std::string() : found->second;
}

std::string Exposer::url_of(const Expose& expose, const std::string& hostname) const {
  if (expose.protocol == ServiceProtocol::tcp) return "tcp://" + hostname;
  return origin_of(context_, hostname) + "/";
}

bool Exposer::is_public(const Expose& expose, const std::string& deployment_id) const {
  const auto holder = holders_.find(expose.hostname_label);
  return find_published(expose) != nullptr && holder != holders_.end() && holder->second.deployment_id == deployment_id;
}

bool Exposer::is_wholly_public(const DeploymentInfo& info) const {
  return std::ranges::all_of(info.expose, [&](const Expose& expose) { return is_public(expose, info.id); });
}

std::vector<std::string> Exposer::urls_of(const DeploymentInfo& info) const {
  std::vector<std::string> urls;
  if (!is_live(info.status)) return urls;
  for (const auto& expose : info.expose)
    if (is_public(expose, info.id)) urls.push_back(url_of(expose, hostname_of(expose.hostname_label)));
  return urls;
}

const Expose* Exposer::find_published(const Expose& expose) const {
  const auto found = std::ranges::find_if(published_, [&expose](const Expose& one) {
    return one.hostname_label == expose.hostname_label && one.port == expose.port && one.protocol == expose.protocol;
  });
  return found == published_.end() ? nullptr : &*found;
}

}  // namespace dd::agent
