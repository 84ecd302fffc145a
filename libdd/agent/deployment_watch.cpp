#include "libdd/agent/deployment_watch.hpp"

#include <algorithm>

#include "libdd/agent/ports.hpp"
#include "libdd/net/backoff.hpp"
#include "libdd/net/deadline.hpp"

namespace dd::agent {
namespace {

constexpr net::BackoffOptions kLookPause{std::chrono::milliseconds(50), std::chrono::milliseconds(1'000)};

/// Also at an address at which visitors do not look for it.
bool has_port(const DeploymentInfo& info, std::uint16_t port) {
  return info.listeners && std::ranges::find(*info.listeners, port, &ListenAddress::port) != info.listeners->end();
}

net::Task<bool> answers_everywhere(DeploymentInfo info) {
  for (const auto& expose : info.expose) {
    const auto address = co_await answering_address(info, expose.port);
    if (address.empty()) co_return false;
  }
  co_return true;
}

}  // namespace

net::Task<Result<DeploymentInfo>> DeploymentWatch::look(std::string id, Until until,
                                                        std::chrono::milliseconds timeout) {
  if (runtime_waits_) {
    auto info = co_await runtime_.wait(id, until, timeout);
    if (info || info.error().code != ErrorCode::unsupported) co_return info;
    runtime_waits_ = false;
  }
  auto all = co_await runtime_.list();
  if (!all) co_return tl::unexpected(all.error());
  for (auto& info : *all)
    if (info.id == id) co_return std::move(info);
  co_return fail(ErrorCode::not_found, "cannot find deployment " + id);
}

net::Task<Result<DeploymentWatch::Seen>> DeploymentWatch::until_ready(std::string id,
                                                                      std::chrono::milliseconds timeout) {
  const net::Deadline deadline(timeout);
  net::Backoff pause(kLookPause, random_);
  while (true) {
    const auto info = co_await look(id, Until::listening, deadline.left());
    if (!info) co_return tl::unexpected(info.error());
    bool ready = false;
    if (info->status == DeploymentStatus::running) ready = co_await answers_everywhere(*info);
    if (ready || !is_live(info->status) || deadline.over()) {
      Seen seen(*info, ready);
      co_return seen;
    }
    co_await net::sleep_for(std::min(pause.next(), deadline.left()));
  }
}

net::Task<Result<DeploymentInfo>> DeploymentWatch::until_ended(std::string id, std::chrono::milliseconds timeout) {
  const net::Deadline deadline(timeout);
  net::Backoff pause(kLookPause, random_);
  while (true) {
    auto info = co_await look(id, Until::ended, deadline.left());
    if (!info || !is_live(info->status) || deadline.over()) co_return info;
    co_await net::sleep_for(std::min(pause.next(), deadline.left()));
  }
}

net::Task<std::string> DeploymentWatch::taken_port(DeploymentInfo info, std::set<std::string> labels) {
  for (const auto& expose : info.expose) {
    if (!labels.contains(expose.hostname_label) || has_port(info, expose.port)) continue;
    const auto holder = holder_of(expose.port);
    if (holder.empty()) continue;
    // It may have begun to listen since it was looked at: only what is seen of it after the holder counts.
    const auto now = co_await look(info.id, Until::listening, std::chrono::milliseconds(0));
    if (!now || has_port(*now, expose.port) || (is_live(now->status) && !now->listeners)) continue;
    co_return "port " + std::to_string(expose.port) + " is held by a process of " + holder;
  }
  co_return std::string();
}

}  // namespace dd::agent
