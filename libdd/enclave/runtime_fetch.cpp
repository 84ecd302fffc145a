// Workloads that come from releases.
#include "libdd/enclave/runtime.hpp"

#include "dd/log.hpp"
#include "libdd/core/folder.hpp"
#include "libdd/enclave/identifiers.hpp"

namespace dd::enclave {
namespace {

using Role = BootWorkload::Role;

Error told_to_stop() { return {ErrorCode::conflict, "cannot fetch: the deployment was stopped or replaced", {}, {}}; }

bool is_temporary(const Error& error) {
  return error.code == ErrorCode::unavailable || error.code == ErrorCode::deadline_exceeded ||
         error.code == ErrorCode::rate_limited;
}

}  // namespace

void Runtime::break_off_fetch(Deployment& deployment) {
  if (deployment.fetch) fetcher_.end(*deployment.fetch, told_to_stop());
}

// A deploy that waits for its release, or for its turn to, would only be replaced when it is done.
void Runtime::break_off_fetches_of(const std::string& app) {
  for (const auto& older : deployments_.live(app)) {
    const bool waits = older->request.github_release && older->info.digest.empty() && !older->info.boot;
    if (!waits) continue;
    older->stop_requested = true;
    break_off_fetch(*older);
  }
  changed_.notify();
}

net::Task<Result<void>> Runtime::stage_release(DeploymentPtr deployment) {
  if (deployment->stop_requested) co_return tl::unexpected(told_to_stop());
  const auto job = std::make_shared<FetchJob>();
  deployment->fetch = job;
  SayLine say = [deployment](std::string text) { deployment->log.append(text); };
  auto release = *deployment->request.github_release;
  auto fetched = co_await fetcher_.fetch(std::move(release), job, std::move(say));
  deployment->fetch.reset();
  if (!fetched) co_return tl::unexpected(fetched.error());
  deployment->release = *std::move(fetched);
  co_return co_await stage_program(deployment);
}

net::Task<Result<void>> Runtime::stage_program(DeploymentPtr deployment) {
  const auto& from = deployment->release;
  Result<StagedExecutable> program = from.program;
  const bool wanted = !deployment->request.cmd.empty() || deployment->role == Role::connector;
  if (!from.tree.empty() && wanted) {
    std::function<void()> work = [this, &program, &from, name = program_of(*deployment->request.github_release)] {
      program = trees_.program_in(from.tree, name);
    };
    co_await net::run_on(pool_, std::move(work));
    if (!program) co_return tl::unexpected(program.error());
  }
  deployment->executable = *program;
  // Of an archive that nothing is run from, the digest of the whole.
  deployment->info.digest = program->digest.empty() ? from.digest : program->digest;
  co_return Result<void>{};
}

// The network of a VM may come up later than its runtime, and without agent or connector nobody can repair it from outside.
net::Task<Result<void>> Runtime::stage_at_boot(DeploymentPtr deployment) {
  net::Backoff backoff({}, *settings_.random);
  for (;;) {
    auto staged = co_await stage(deployment);
    const bool again = !staged && deployment->role != Role::none && deployment->request.github_release &&
                       is_temporary(staged.error()) && !stopping_;
    if (!again) {
      deployment->info.error_message.clear();  // of an attempt before
      co_return staged;
    }
    const auto delay = backoff.next();
    deployment->info.error_message = staged.error().message;
    log::warning("boot workload cannot be fetched yet, it is tried again",
                 {{"app", deployment->info.app_name}, {"wait_ms", delay.count()}, {"error", staged.error().message}});
    co_await shutting_down_.wait(delay);
    if (stopping_) co_return staged;
  }
}

std::vector<ToolLinks::Tool> Runtime::tools_of(const Deployment& deployment) {
  const auto& from = deployment.release;
  const auto& wanted = *deployment.request.github_release;
  std::vector<ToolLinks::Tool> tools;
  if (from.tree.empty()) {
    tools.push_back({wanted.asset, from.program.path});
    if (!wanted.rename.empty() && wanted.rename != wanted.asset) tools.push_back({wanted.rename, from.program.path});
  } else {
    for (const auto& file : entries_of(from.tree)) tools.push_back({file.filename().string(), file});
  }
  return tools;
}

// A release without a command is there for others: nothing is started.
Result<void> Runtime::offer_tools(Deployment& deployment) {
  auto installed = tools_.install(deployment.info.app_name, tools_of(deployment), deployment.release.digest);
  if (!installed) return installed;
  deployment.info.status = DeploymentStatus::completed;
  deployment.info.exited_at = timestamp(*settings_.clock);
  return {};
}

}  // namespace dd::enclave
