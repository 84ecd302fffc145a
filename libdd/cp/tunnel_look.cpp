#include "libdd/cp/tunnel_look.hpp"

namespace dd::cp {

net::Task<Result<bool>> TunnelLook::is_listed(std::string tunnel_id) {
  const auto turn = co_await turn_.take();
  if (!seen_ || std::chrono::steady_clock::now() >= seen_->until) {
    const auto listed = co_await context_.provisioner.list();
    Result<std::set<std::string>> ids;
    if (!listed) ids = tl::unexpected(listed.error());
    if (listed)
      for (const auto& tunnel : *listed) ids->insert(tunnel.id);
    seen_ = Seen{std::move(ids), std::chrono::steady_clock::now() + context_.options.tunnel_check_after};
  }
  if (!seen_->ids) co_return tl::unexpected(seen_->ids.error());
  co_return seen_->ids->contains(tunnel_id);
}

net::Task<Result<bool>> TunnelLook::is_gone(std::string tunnel_id) {
  const auto listed = co_await is_listed(tunnel_id);
  if (!listed) co_return tl::unexpected(listed.error());
  if (*listed) co_return false;
  // A list may be a moment old, or leave something out.
  co_return co_await context_.provisioner.is_gone(std::move(tunnel_id));
}

}  // namespace dd::cp
