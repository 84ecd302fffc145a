#include <array>

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/enclave/identifiers.hpp"
#include "libdd/enclave/runtime.hpp"

namespace dd::enclave {
namespace {

using Role = BootWorkload::Role;
using namespace std::chrono_literals;

// A workload that ran for so long did not fail at its start: the next failure begins with the shortest wait again.
constexpr auto kSettled = 30s;

// An agent needs the connector's path, and finds its control plane sooner when that is there first.
constexpr std::array kBootOrder = {Role::connector, Role::cp, Role::agent, Role::none};

Json effective_configuration(const Settings& settings) {
  auto names = Json::array();
  for (const auto& workload : settings.boot_workloads) names.push_back(workload.request.app_name);
  return {{"socket_path", settings.socket_path.string()},
          {"data_dir", settings.data_dir.string()},
          {"search_path", settings.search_path},
          {"github_api_url", settings.github_api_url},
          {"ca_file", settings.ca_file.string()},
          {"fetch_program", settings.other_fetch_program.string()},
          {"simulator_file", settings.simulator_file.string()},
          {"stop_grace_ms", settings.stop_grace.count()},
          {"uid_base", settings.uid_base},
          {"boot_workloads", std::move(names)}};
}

}  // namespace

// Before the socket accepts, so that the names are reserved from the first request on.
void Runtime::add_boot_records() {
  for (const auto role : kBootOrder) {
    for (const auto& workload : settings_.boot_workloads) {
      if (workload.role != role) continue;
      const auto deployment = new_record(workload.request);
      deployment->info.boot = true;
      deployment->role = role;
      deployment->inherit_token = workload.inherit_token;
      open_sockets(*deployment, workload);
      deployments_.add(deployment);
    }
  }
}

void Runtime::open_sockets(Deployment& deployment, const BootWorkload& workload) {
  auto sockets = open_platform_sockets(workload.listen);
  if (sockets) {
    deployment.listen = workload.listen;
    deployment.sockets = *std::move(sockets);
  } else if (!workload.listen_by_default) {
    socket_failures_.emplace(deployment.info.id, sockets.error());
  } else {
    log::warning("the port of a boot workload is not held for it",
                 {{"app", deployment.info.app_name}, {"why", sockets.error().message}});
  }
}

net::Task<void> Runtime::boot() {
  const auto logged = co_await log_boot();
  if (!logged) {
    boot_failure_ = logged.error();
    log::error("cannot boot, nothing is started", {{"error", logged.error().message}});
  }
  const auto records = deployments_.all();  // a copy: deploys may come meanwhile
  for (const auto& deployment : records) {
    if (!deployment->info.boot) continue;
    // A release may take minutes: the VM is up without what has no part in that.
    const bool may_come_later = deployment->role == Role::none && deployment->request.github_release;
    if (may_come_later)
      net::spawn(executor_, start_boot_workload(deployment), "boot workload");
    else
      co_await start_boot_workload(deployment);
  }
  booted_ = true;
  changed_.notify();
}

net::Task<Result<void>> Runtime::log_boot() {
  Result<Digest256> digest;
  std::function<void()> hash = [&digest] { digest = crypto::sha256_file("/proc/self/exe"); };
  co_await net::run_on(pool_, std::move(hash));
  if (!digest) co_return wrap(digest.error(), "cannot measure the runtime's own executable");
  Json event = {{"type", "boot"},
                {"version", 1},
                {"boot_id", keys_.boot_id()},
                {"runtime_digest", "sha256:" + to_hex(*digest)},
                {"attestation_type", log_.attestation_type()},
                {"rtmr3", log_.rtmr3_state()},
                {"boundary", settings_.boundary()},
                {"config", effective_configuration(settings_)}};
  co_return co_await log_.record(std::move(event));
}

net::Task<void> Runtime::start_boot_workload(DeploymentPtr deployment) {
  auto& info = deployment->info;
  const auto up = co_await bring_up(deployment);
  if (!up) {
    info.status = DeploymentStatus::failed;
    info.error_message = up.error().message;
    log::error("boot workload failed", {{"app", info.app_name}, {"error", up.error().message}});
  } else if (info.status == DeploymentStatus::deploying) {
    info.status = DeploymentStatus::stopped;  // the runtime is being stopped
  } else {
    log::info("boot workload is up",
              {{"app", info.app_name}, {"role", to_string(deployment->role)}, {"digest", info.digest}});
  }
  changed_.notify();
}

net::Task<Result<void>> Runtime::bring_up(DeploymentPtr deployment) {
  if (boot_failure_) co_return tl::unexpected(*boot_failure_);
  if (const auto found = socket_failures_.find(deployment->info.id); found != socket_failures_.end())
    co_return tl::unexpected(found->second);
  if (stopping_) co_return Result<void>{};
  auto staged = co_await stage_at_boot(deployment);
  if (stopping_) co_return Result<void>{};
  if (!staged) co_return staged;
  auto event = event_of(*deployment);
  auto recorded = co_await log_.record(std::move(event));
  if (!recorded || stopping_) co_return recorded;
  if (deployment->role != Role::connector) {
    if (deployment->request.cmd.empty()) co_return offer_tools(*deployment);
    co_return co_await supervisor_.start(deployment);
  }
  auto argv = deployment->request.cmd;
  argv.resize(std::max<std::size_t>(argv.size(), 1));  // a release needs no command
  argv.front() = deployment->executable.path.string();
  supervisor_.set_connector(argv);
  deployment->info.status = DeploymentStatus::completed;
  co_return Result<void>{};
}

// Same record, same keys, same executable from the store, a new capability socket; it stands in the event log already.
net::Task<void> Runtime::restart(DeploymentPtr deployment) {
  auto& backoff = restarts_.try_emplace(deployment->info.id, net::BackoffOptions{}, *settings_.random).first->second;
  if (deployment->ran_for > kSettled) backoff.reset();
  while (!stopping_) {
    const auto delay = backoff.next();
    log::warning("boot workload ended, it is started again",
                 {{"app", deployment->info.app_name}, {"wait_ms", delay.count()}});
    co_await shutting_down_.wait(delay);
    if (stopping_) co_return;
    const auto started = co_await supervisor_.start(deployment);
    if (started) co_return;
    deployment->info.status = DeploymentStatus::failed;
    deployment->info.error_message = started.error().message;
  }
}

}  // namespace dd::enclave
