#include "libdd/agent/refresher.hpp"

#include <algorithm>

#include "dd/log.hpp"
#include "libdd/agent/seed_control_plane.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd::agent {
namespace {

constexpr std::chrono::milliseconds kFirstRefreshPause{1'000};
constexpr std::chrono::milliseconds kLongestRefreshPause{30'000};
constexpr std::chrono::milliseconds kUnregisteredPause{1'000};

}  // namespace

net::Task<void> Refresher::run() {
  auto pause = kFirstRefreshPause;
  while (!stopping_) {
    const auto interval = context_.state.membership ? context_.state.membership->refresh : kUnregisteredPause;
    const bool stopped = co_await stop_.wait(interval);
    if (stopped) continue;
    while (!stopping_ && context_.state.membership && !context_.state.poll_nonce && !context_.options.compat)
      co_await polled_.wait(kUnregisteredPause);
    if (stopping_ || !context_.state.membership) continue;
    auto done = co_await refresh();
    while (!done && !stopping_) {
      log::warning("token not refreshed; the old one stays",
                   {{"why", done.error().message}, {"again_ms", pause.count()}});
      co_await stop_.wait(pause);
      pause = std::min(pause * 2, kLongestRefreshPause);
      if (!stopping_) done = co_await refresh();
    }
    pause = kFirstRefreshPause;
  }
}

void Refresher::stop() {
  stopping_ = true;
  stop_.notify();
  polled_.notify();
}

net::Task<Result<void>> Refresher::refresh() {
  if (context_.options.compat) {
    SeedControlPlane seed(context_);
    auto shown = co_await seed.mint();
    if (!shown) co_return tl::unexpected(shown.error());
    context_.state.shown = *std::move(shown);
    co_return Result<void>();
  }
  if (!context_.state.membership || !context_.state.poll_nonce) co_return Result<void>();
  const auto nonce = *context_.state.poll_nonce;
  const auto agent_id = context_.state.membership->agent_id;
  std::vector<Digest256> fields{nonce, crypto::sha256(as_bytes(context_.cp_origin)),
                                crypto::sha256(as_bytes(agent_id))};
  auto quote = co_await context_.capability.quote(std::string(kRefreshTag), std::move(fields));
  if (!quote) co_return wrap(quote.error(), "cannot get a quote");
  const auto quoted = quote->quoted_events;
  auto token = co_await context_.minter.mint(std::move(quote->quote), std::move(quote->runtime_data));
  if (!token) co_return wrap(token.error(), "cannot mint a token");
  // A registration may have replaced us meanwhile; its token is bound to the new id.
  if (!context_.state.membership || context_.state.membership->agent_id != agent_id) co_return Result<void>();
  context_.state.shown = {*std::move(token), {std::string(kRefreshTag), nonce, quoted}};
  co_return Result<void>();
}

}  // namespace dd::agent
