#include "libdd/enclave/runtime.hpp"

#include <algorithm>

#include <boost/asio/thread_pool.hpp>
#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/enclave/identifiers.hpp"
#include "libdd/protocol/workload_event.hpp"

namespace dd::enclave {
namespace {

std::string command_text(const std::vector<std::string>& cmd) {
  std::string text;
  for (const auto& item : cmd) text += (text.empty() ? "" : " ") + item;
  return text;
}

}  // namespace

Runtime::Runtime(net::asio::any_io_executor executor, net::asio::thread_pool& pool, Cleaner& cleaner,
                 const Settings& settings, const DataDir& data, const VmKeys& keys, MeasuredLog& log,
                 CapabilityServer& capability)
    : executor_(executor),
      pool_(pool),
      cleaner_(cleaner),
      settings_(settings),
      keys_(keys),
      log_(log),
      store_(data.store(), settings.search_path),
      trees_(data.store()),
      tools_(data.tools()),
      fetcher_(executor, pool, settings, store_, trees_),
      supervisor_(executor, cleaner, settings, data, capability,
                  [this](DeploymentPtr deployment) { ended(std::move(deployment)); }),
      guests_(executor, pool, settings, deployments_, store_, log, supervisor_, [this] { tidy(); }),
      turns_(executor),
      changed_(executor),
      shutting_down_(executor) {
  add_boot_records();
}

Result<std::string> Runtime::deploy(DeployRequest request) {
  if (auto admitted = admit(request.app_name); !admitted) return tl::unexpected(admitted.error());
  return begin(new_record(std::move(request)));
}

Result<std::string> Runtime::deploy_again(const std::string& id, std::string rollback_of) {
  const auto before = deployments_.find(id);
  if (!before) return fail(ErrorCode::not_found, "deployment not found");
  if (auto admitted = admit(before->info.app_name); !admitted) return tl::unexpected(admitted.error());
  if (before->info.digest.empty())
    return fail(ErrorCode::conflict, "cannot deploy " + before->info.app_name + " again: " + id + " never came to run");
  const auto deployment = new_record(before->request);
  deployment->request.overlap.reset();  // it has the same ports
  if (auto& release = deployment->request.github_release) {
    release->tag = before->release.tag;
    release->sha256 = before->release.digest.substr(kDigestPrefix.size());
  } else {
    deployment->executable = before->executable;
  }
  deployment->info.source = before->info.source;
  deployment->info.rollback_of = std::move(rollback_of);
  deployment->info.repeats = before->info.repeats.empty() ? before->info.id : before->info.repeats;
  return begin(deployment);
}

Result<void> Runtime::admit(const std::string& app_name) const {
  const auto what = "cannot deploy " + app_name;
  if (deployments_.is_boot_name(app_name))
    return fail(ErrorCode::conflict, "reserved_name", what + ": the name belongs to a boot workload");
  if (stopping_) return fail(ErrorCode::unavailable, what + ": the runtime is stopping");
  const auto pending = std::ranges::count(deployments_.all(), DeploymentStatus::deploying,
                                          [](const DeploymentPtr& d) { return d->info.status; });
  if (static_cast<std::size_t>(pending) >= kMaxPending)
    return fail(ErrorCode::unavailable, what + ": " + std::to_string(pending) + " deploys are under way, try again");
  return {};
}

std::string Runtime::begin(DeploymentPtr deployment) {
  break_off_fetches_of(deployment->info.app_name);
  deployments_.add(deployment);
  net::spawn(executor_, carry_out(deployment), "deploy");
  return deployment->info.id;
}

DeploymentPtr Runtime::new_record(DeployRequest request) const {
  auto deployment = std::make_shared<Deployment>();
  auto& info = deployment->info;
  info.id = new_deployment_id(*settings_.random);
  info.app_name = request.app_name;
  info.source = request.github_release ? source_text(*request.github_release) : command_text(request.cmd);
  info.started_at = timestamp(*settings_.clock);
  info.privileged = request.privileged;
  info.expose = request.expose;
  deployment->request = std::move(request);
  return deployment;
}

net::Task<void> Runtime::carry_out(DeploymentPtr deployment) {
  while (!booted_ && !stopping_ && !deployment->stop_requested) co_await changed_.wait(std::chrono::hours(24));
  auto& info = deployment->info;
  {
    const auto turn = co_await turns_.take(info.app_name);
    const auto done = co_await replace(deployment);
    if (!done) {
      info.status = DeploymentStatus::failed;
      info.error_message = done.error().message;
      log::warning("deployment failed", {{"app", info.app_name}, {"id", info.id}, {"error", done.error().message}});
    } else if (info.status == DeploymentStatus::deploying) {
      info.status = DeploymentStatus::stopped;  // asked to stop before there was a process
    }
  }
  tidy();
  changed_.notify();
}

// What can fail comes first: a deploy that cannot be carried out leaves the one that runs alone.
net::Task<Result<void>> Runtime::replace(DeploymentPtr deployment) {
  if (deployment->stop_requested) co_return Result<void>{};
  if (boot_failure_) co_return tl::unexpected(*boot_failure_);
  auto staged = co_await stage(deployment);
  if (deployment->stop_requested) co_return Result<void>{};  // also when that is why it was not fetched
  if (!staged) co_return staged;
  const bool only_tools = deployment->request.cmd.empty();
  if (only_tools) {
    auto free = tools_.check(deployment->info.app_name, tools_of(*deployment));
    if (!free) co_return free;
  }
  auto event = event_of(*deployment);
  auto recorded = co_await log_.record(std::move(event));
  if (!recorded || deployment->stop_requested) co_return recorded;
  const bool alone = deployment->request.overlap != true;
  for (const auto& older : deployments_.live(deployment->info.app_name))
    if (older != deployment && older->run && (alone || older->info.privileged)) {
      older->stop_requested = true;
      co_await log_stop_and_halt(older);
    }
  if (deployment->stop_requested) co_return Result<void>{};
  if (only_tools) co_return offer_tools(*deployment);
  auto started = co_await supervisor_.start(deployment);
  if (started)
    log::info("workload started",
              {{"app", deployment->info.app_name}, {"id", deployment->info.id}, {"digest", deployment->info.digest}});
  co_return started;
}

net::Task<Result<void>> Runtime::stage(DeploymentPtr deployment) {
  if (deployment->request.github_release) co_return co_await stage_release(deployment);
  // Its digest is set when it is deployed again, and its copy is then still in the store.
  Result<StagedExecutable> staged = deployment->executable;
  std::function<void()> work = [this, &staged, program = deployment->request.cmd.front()] {
    if (staged->digest.empty()) staged = store_.stage(program);
  };
  co_await net::run_on(pool_, std::move(work));
  if (!staged) co_return tl::unexpected(staged.error());
  deployment->executable = *staged;
  deployment->info.digest = staged->digest;
  co_return Result<void>{};
}

net::Task<Result<void>> Runtime::stop(std::string id) {
  const auto deployment = deployments_.find(id);
  if (!deployment) co_return fail(ErrorCode::not_found, "deployment not found");
  const auto& info = deployment->info;
  if (info.boot)
    co_return fail(ErrorCode::conflict, "reserved_name", "cannot stop " + info.app_name + ": it is a boot workload");
  if (!is_live(info.status))
    co_return fail(ErrorCode::conflict,
                   "cannot stop deployment in '" + std::string(to_string(info.status)) + "' status");
  deployment->stop_requested = true;
  break_off_fetch(*deployment);
  changed_.notify();
  {
    // Behind a deploy of this app that is under way, which sees the request.
    const auto turn = co_await turns_.take(info.app_name);
    if (deployment->run) co_await log_stop_and_halt(deployment);
  }
  // Not with the turn: a deploy that waits for the boot takes it to give up.
  while (is_live(info.status)) co_await changed_.wait(std::chrono::hours(24));
  co_return Result<void>{};
}

net::Task<Result<GuestPtr>> Runtime::start_guest(GuestRequest request, GuestStdio stdio) {
  if (boot_failure_) co_return tl::unexpected(*boot_failure_);
  if (!booted_)
    co_return fail(ErrorCode::unavailable, "cannot " + request.type + ": the VM is still booting, try again");
  co_return co_await guests_.start(std::move(request), std::move(stdio));
}

// A stop must always be possible, also when the log is full: it takes nothing into the VM.
net::Task<void> Runtime::log_stop_and_halt(DeploymentPtr deployment) {
  Json event = {{"type", "stop"}, {"id", deployment->info.id}, {"app_name", deployment->info.app_name}};
  const auto recorded = co_await log_.record(std::move(event));
  if (!recorded)
    log::warning("a stop is not in the event log", {{"id", deployment->info.id}, {"error", recorded.error().message}});
  co_await supervisor_.halt(deployment);
}

Json Runtime::event_of(const Deployment& deployment) const {
  const auto& info = deployment.info;
  auto event = protocol::workload_event(deployment.request, info.digest, keys_.log_salt());
  if (const auto& release = deployment.request.github_release)
    event["release"] = {{"repo", release->repo},
                        {"asset", release->asset},
                        {"tag", deployment.release.tag},
                        {"digest", deployment.release.digest}};
  if (!info.boot) {
    event["type"] = "deploy";
    event["id"] = info.id;
    if (!info.rollback_of.empty()) event["rollback_of"] = info.rollback_of;
    return event;
  }
  protocol::add_boot_members(event, {deployment.role, deployment.inherit_token, deployment.listen});
  return event;
}

void Runtime::tidy() {
  deployments_.drop_old();
  // A deploy that is being staged has no digest in its record yet.
  auto used = tools_.digests();
  for (const auto& deployment : deployments_.all()) {
    if (deployment->info.status == DeploymentStatus::deploying) return;
    used.insert(deployment->executable.digest);
    // An archive may be large, and what ran in it ran.
    if (deployment->info.boot || is_live(deployment->info.status)) used.insert(deployment->release.digest);
  }
  if (guests_.staging()) return;
  guests_.add_digests(used);
  store_.retain(used);
  for (auto& tree : trees_.retain(used)) cleaner_.remove(std::move(tree));
}

bool Runtime::is_trusted(uid_t uid) const {
  return std::ranges::any_of(
      deployments_.all(), [uid](const DeploymentPtr& d) { return d->inherit_token && d->run && d->info.uid == uid; });
}

bool Runtime::is_platform(uid_t uid) const {
  using Role = BootWorkload::Role;
  const auto has_role = [this](Role role) {
    return std::ranges::any_of(deployments_.all(), [role](const DeploymentPtr& d) { return d->role == role; });
  };
  // Beside an agent a control plane is only one more that holds the token.
  const auto platform = has_role(Role::agent) ? Role::agent : Role::cp;
  return std::ranges::any_of(
      deployments_.all(), [&](const DeploymentPtr& d) { return d->role == platform && d->run && d->info.uid == uid; });
}

net::Task<void> Runtime::shut_down() {
  stopping_ = true;
  shutting_down_.notify();
  changed_.notify();
  for (const auto& deployment : deployments_.all()) {
    deployment->stop_requested = true;
    break_off_fetch(*deployment);
    if (deployment->run) net::spawn(executor_, supervisor_.halt(deployment), "stop of a workload");
  }
  co_await guests_.shut_down();
  const auto live = [](const DeploymentPtr& d) { return d->run || is_live(d->info.status); };
  while (std::ranges::any_of(deployments_.all(), live)) co_await changed_.wait(std::chrono::hours(24));
}

void Runtime::ended(DeploymentPtr deployment) {
  guests_.host_ended(*deployment);
  // A control plane that gave its host name to another one ends well, and would take it back.
  const bool gave_way = deployment->role == BootWorkload::Role::cp && deployment->info.exit_code == 0;
  const bool comes_back =
      deployment->role == BootWorkload::Role::agent || (deployment->role == BootWorkload::Role::cp && !gave_way);
  if (comes_back && !stopping_) net::spawn(executor_, restart(std::move(deployment)), "restart of a boot workload");
  tidy();
  changed_.notify();
}

}  // namespace dd::enclave
