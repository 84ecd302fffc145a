#include <algorithm>
#include <map>
#include <optional>

#include <boost/asio/thread_pool.hpp>

#include "libdd/enclave/run.hpp"
#include "libdd/enclave/runtime.hpp"

namespace dd::enclave {
namespace {

using namespace std::chrono_literals;

// The kernel tells nobody when a socket begins to listen.
constexpr std::chrono::milliseconds kShortestPause = 1ms;
constexpr std::chrono::milliseconds kLongestPause = 100ms;

/// Until the next look at one that is looked at for so long: it is seen at most a quarter later than it could be.
std::chrono::milliseconds pause_after(std::chrono::steady_clock::duration looked) {
  return std::clamp(std::chrono::duration_cast<std::chrono::milliseconds>(looked) / 4, kShortestPause, kLongestPause);
}

std::vector<ListenAddress> addresses_of(const std::vector<net::TcpListener>& sockets) {
  std::vector<ListenAddress> addresses;
  addresses.reserve(sockets.size());
  for (const auto& socket : sockets) addresses.push_back({socket.address.to_string(), socket.port});
  return addresses;
}

bool listens_everywhere(const DeploymentInfo& info) {
  return std::ranges::all_of(info.expose, [&info](const Expose& expose) { return listens_on(info, expose.port); });
}

/// Whoever it is: what costs little, before it is asked who.
bool somebody_listens_on_all(const std::vector<Expose>& exposed) {
  if (exposed.empty()) return true;
  const auto listeners = net::tcp_listeners();
  return std::ranges::all_of(exposed, [&listeners](const Expose& expose) {
    return std::ranges::find(listeners, expose.port, &net::TcpListener::port) != listeners.end();
  });
}

}  // namespace

std::vector<SocketHolder> Runtime::socket_holders() const {
  std::vector<SocketHolder> holders;
  for (const auto& deployment : deployments_.all())
    if (const auto& run = deployment->run) holders.push_back({deployment->info.id, run->family, run->earlier_sockets});
  return holders;
}

net::Task<std::vector<DeploymentInfo>> Runtime::with_listeners() {
  const auto holders = socket_holders();
  std::vector<std::vector<net::TcpListener>> sockets;
  std::function<void()> look = [&] { sockets = sockets_of(holders); };
  co_await net::run_on(pool_, std::move(look));
  std::map<std::string, std::vector<ListenAddress>> listeners;
  for (std::size_t i = 0; i < holders.size(); ++i) listeners[holders[i].id] = addresses_of(sockets[i]);
  std::vector<DeploymentInfo> all;
  for (const auto& deployment : deployments_.all()) {
    all.push_back(deployment->info);
    // What was started during the walk listens nowhere as far as is known: nothing would mean that nobody can tell.
    if (deployment->run) all.back().listeners = std::move(listeners[deployment->info.id]);
  }
  co_return all;
}

net::Task<std::optional<DeploymentInfo>> Runtime::when_leader_listens(DeploymentPtr deployment) {
  const auto run = deployment->run;
  std::optional<DeploymentInfo> seen;
  if (!run || deployment->info.expose.empty()) co_return seen;
  std::vector<net::TcpListener> sockets;
  std::function<void()> look = [&sockets, leader = run->family.leader] { sockets = sockets_of(leader); };
  co_await net::run_on(pool_, std::move(look));
  // Until it is waited for nobody else can have its number.
  if (run->child->has_ended() || !is_live(deployment->info.status)) co_return seen;
  DeploymentInfo info = deployment->info;
  info.listeners = addresses_of(sockets);
  if (listens_everywhere(info)) seen = std::move(info);
  co_return seen;
}

net::Task<Result<DeploymentInfo>> Runtime::wait(std::string id, Until until, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::optional<std::chrono::steady_clock::time_point> first_look;
  while (true) {
    const auto deployment = deployments_.find(id);
    if (!deployment) co_return fail(ErrorCode::not_found, "deployment not found");
    const auto& info = deployment->info;
    const auto now = std::chrono::steady_clock::now();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now);
    const bool over = !is_live(info.status) || left <= 0ms || stopping_;
    const bool may_listen = until == Until::listening && deployment->run && somebody_listens_on_all(info.expose);
    if (may_listen && !over) {
      // What most do, and a small part of the walk.
      auto ready = co_await when_leader_listens(deployment);
      if (ready) co_return *std::move(ready);
    }
    if (over || may_listen) {
      const auto all = co_await with_listeners();
      const auto seen = std::ranges::find(all, id, &DeploymentInfo::id);
      if (seen != all.end() && (over || (until == Until::listening && listens_everywhere(*seen)))) co_return *seen;
      // It may have ended during the walk, and whoever was told of that was not this wait.
      if (!is_live(info.status) || stopping_) continue;
    }
    // Until it is over only its end is waited for, and that is an event.
    const bool looks = until == Until::listening && deployment->run;
    if (looks && !first_look) first_look = now;
    const auto rest = looks ? std::min(pause_after(now - *first_look), left) : left;
    co_await changed_.wait(rest);
  }
}

}  // namespace dd::enclave
