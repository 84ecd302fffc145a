#include <sys/socket.h>

#include <array>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "dd/log.hpp"
#include "libdd/enclave/identifiers.hpp"
#include "libdd/enclave/run.hpp"
#include "libdd/enclave/supervisor.hpp"

namespace dd::enclave {
namespace {

using namespace std::chrono_literals;

// For a process that escaped and still holds the pipe (only possible where workloads share a uid).
constexpr auto kDrain = 500ms;

void record_end(DeploymentInfo& info, const ExitStatus& status, bool stop_requested, const Clock& clock) {
  info.status = stop_requested ? DeploymentStatus::stopped : DeploymentStatus::exited;
  info.exit_code = status.code;
  info.signal = status.signal;
  info.exited_at = timestamp(clock);
}

}  // namespace

net::Task<void> Supervisor::read_output(DeploymentPtr deployment, std::shared_ptr<Run> run) {
  // Agent and control plane belong to the platform: what they say goes on the console. Others could flood it.
  if (deployment->role != BootWorkload::Role::none)
    deployment->log.watch([app = deployment->info.app_name](std::string_view line) {
      log::info("says", {{"app", app}, {"line", line}});
    });
  std::array<char, 16 * 1024> buffer;
  for (;;) {
    boost::system::error_code ended;
    auto token = net::asio::redirect_error(net::asio::use_awaitable, ended);
    const auto room = net::asio::buffer(buffer);
    const auto got = co_await run->output.async_read_some(room, token);
    if (ended) break;
    deployment->log.append({buffer.data(), got});
  }
  deployment->log.finish();
  run->output_ended = true;
  run->output_over.notify();
}

net::Task<void> Supervisor::see_to_the_end(DeploymentPtr deployment, std::shared_ptr<Run> run) {
  const auto status = co_await run->child->wait();
  co_await clear_leftovers(run);
  if (!run->output_ended) co_await run->output_over.wait(kDrain);
  boost::system::error_code ignored;
  run->output.close(ignored);
  if (run->capability_handle) shutdown(run->capability_handle.get(), SHUT_RDWR);
  record_end(deployment->info, status, deployment->stop_requested, *settings_.clock);
  deployment->ran_for = std::chrono::steady_clock::now() - run->started_at;
  deployment->run.reset();
  run->ended = true;
  run->over.notify();
  log::info("workload ended", {{"app", deployment->info.app_name},
                               {"id", deployment->info.id},
                               {"how", status.code ? "exit " + std::to_string(*status.code)
                                                   : "signal " + std::to_string(status.signal.value_or(0))}});
  on_ended_(deployment);
  co_await leave(deployment);
}

// A workload is over when its first process is. The rest of the group has the time that is left of a stop, everything else goes now.
net::Task<void> Supervisor::clear_leftovers(std::shared_ptr<Run> run) {
  while (run->halt_deadline && std::chrono::steady_clock::now() < *run->halt_deadline && group_lives(run->family))
    co_await net::sleep_for(10ms);
  Beside beside = [this, run] { return families_beside(*run); };
  co_await purge(run->family, std::move(beside));
}

std::vector<ProcessFamily> Supervisor::families_beside(const Run& run) const {
  std::vector<ProcessFamily> families;
  for (const auto& weak : runs_) {
    const auto other = weak.lock();
    if (other && other.get() != &run && !other->ended && other->family.uid && other->family.uid == run.family.uid)
      families.push_back(other->family);
  }
  return families;
}

}  // namespace dd::enclave
