#include "libdd/agent/tunnel_keeper.hpp"

#include "dd/log.hpp"
#include "libdd/net/backoff.hpp"

namespace dd::agent {

net::Task<void> TunnelKeeper::run() {
  const auto patience = context_.options.tunnel_check_after;
  net::Backoff pause({patience, kLongestPause * patience}, context_.random);
  while (!stopping_) {
    const bool unready = co_await connector_.wait_unready(patience, std::chrono::hours(1));
    if (!unready || stopping_) continue;
    // Agents that lost their connectors together do not ask together.
    co_await stop_.wait(net::part_of(patience, context_.random));
    if (stopping_) co_return;
    const bool still = co_await connector_.wait_unready(patience, std::chrono::milliseconds(0));
    if (!still) {
      pause.reset();
      continue;
    }
    const auto renewed = co_await ask();
    if (renewed && *renewed) {
      pause.reset();
      continue;
    }
    if (stopping_) co_return;
    auto rest = pause.next();
    if (!renewed) rest = heeded(rest, renewed.error(), context_.random);
    co_await stop_.wait(rest);
  }
}

net::Task<Result<bool>> TunnelKeeper::ask() {
  if (context_.options.compat) {
    // A control plane of the earlier system looks for no tunnel; but a registration makes one.
    if (connector_.tunnel_is_gone()) gone_();
    co_return false;
  }
  auto token = co_await calls_.check_tunnel();
  if (!token) {
    log::warning("cannot ask whether the tunnel is still there", {{"why", token.error().message}});
    co_return tl::unexpected(token.error());
  }
  if (!*token || stopping_) co_return false;
  log::warning("the tunnel was gone and is made anew");
  const auto started = connector_.start(**std::move(token));
  if (!started) log::error("cannot start connector", {{"error", started.error().message}});
  co_return started.has_value();
}

void TunnelKeeper::stop() {
  stopping_ = true;
  stop_.notify();
}

}  // namespace dd::agent
