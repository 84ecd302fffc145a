#include "libdd/agent/membership_keeper.hpp"

#include <algorithm>

#include "dd/log.hpp"
#include "libdd/net/backoff.hpp"

namespace dd::agent {
namespace {

constexpr std::chrono::milliseconds kFirstPause{250};
constexpr std::chrono::milliseconds kLongestPause{30'000};
constexpr int kSilentPolls = 3;

/// Between half of `pause` and all of it: a fleet that lost its control plane must not come back in step.
std::chrono::milliseconds jittered(std::chrono::milliseconds pause, Random& random) {
  return pause - net::part_of(pause / 2, random);
}

}  // namespace

MembershipKeeper::MembershipKeeper(Context& context, CpCalls& calls, Exposer& exposer, tunnel::Connector& connector,
                                   std::chrono::milliseconds doubt_pause)
    : context_(context),
      calls_(calls),
      exposer_(exposer),
      connector_(connector),
      registration_(context),
      doubt_pause_(doubt_pause),
      doubted_(context.executor),
      stop_(context.executor) {}

net::Task<void> MembershipKeeper::run() {
  co_await join_until_done();
  while (!stopping_) {
    if (doubt_ == Doubt::none) co_await wait_for_doubt();
    if (doubt_ == Doubt::none) continue;
    co_await stop_.wait(jittered(doubt_pause_, context_.random));
    if (stopping_) co_return;
    // What came up during the pause is settled by the same answer.
    const auto doubt = std::exchange(doubt_, Doubt::none);
    const auto polls = context_.state.polls;
    bool unknown = doubt == Doubt::forgotten || doubt == Doubt::no_tunnel;
    bool again = false;
    if (!unknown) again = co_await registration_.control_plane_has_new_key();
    if (!unknown && !again && doubt == Doubt::silence) unknown = co_await is_unknown();
    if (unknown) co_await wait_to_believe();
    if (unknown && is_settled(doubt, polls)) unknown = false;
    if ((!unknown && !again) || stopping_) continue;
    co_await join_until_done();
    doubt_ = Doubt::none;  // whatever came up before is settled by that
  }
}

bool MembershipKeeper::is_settled(Doubt doubt, std::uint64_t polls) const {
  return doubt == Doubt::no_tunnel ? !connector_.tunnel_is_gone() : context_.state.polls != polls;
}

net::Task<bool> MembershipKeeper::is_unknown() {
  const auto known = co_await calls_.check();
  if (known) co_return false;
  log::warning("nobody polls this agent", {{"why", known.error().message}});
  co_return known.error().reason == "agent_unknown";
}

net::Task<void> MembershipKeeper::wait_to_believe() {
  constexpr int kLongest = 10;
  const auto pause = context_.options.renew_pause;
  // Polled since it registered: what was said before is settled.
  if (context_.state.polls > 0) believe_pause_ = std::min(believe_pause_, pause);
  const auto again = believed_at_ + believe_pause_;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(again - std::chrono::steady_clock::now());
  if (left.count() > 0) co_await stop_.wait(left);
  const bool settled = context_.state.polls > 0 || believe_pause_.count() == 0;
  believe_pause_ = settled ? pause : std::min(believe_pause_ * 2, kLongest * pause);
  believed_at_ = std::chrono::steady_clock::now();
}

net::Task<void> MembershipKeeper::wait_for_doubt() {
  const auto before = context_.state.polls;
  co_await doubted_.wait(kSilentPolls * context_.state.membership->poll_interval);
  // A control plane that came without the registry does not know whom to poll.
  if (doubt_ == Doubt::none && !stopping_ && context_.state.polls == before) doubt_ = Doubt::silence;
}

void MembershipKeeper::stop() {
  stopping_ = true;
  doubted_.notify();
  stop_.notify();
}

void MembershipKeeper::forgotten() {
  doubt_ = Doubt::forgotten;
  doubted_.notify();
}

void MembershipKeeper::tunnel_gone() {
  if (doubt_ != Doubt::forgotten) doubt_ = Doubt::no_tunnel;
  doubted_.notify();
}

void MembershipKeeper::unknown_key() {
  if (doubt_ != Doubt::forgotten && doubt_ != Doubt::no_tunnel) doubt_ = Doubt::unknown_key;
  doubted_.notify();
}

net::Task<void> MembershipKeeper::join_until_done() {
  auto pause = kFirstPause;
  const auto polls = context_.state.polls;
  while (!stopping_) {
    const auto joined = co_await join();
    if (joined) co_return;
    const auto& why = joined.error();
    log::warning("not registered", {{"why", why.message}, {"reason", why.reason}, {"again_ms", pause.count()}});
    // What the control plane refused will not get better quickly; what it could not do may.
    if (why.code == ErrorCode::permission_denied || why.code == ErrorCode::conflict)
      pause = std::max(pause, std::chrono::milliseconds(2'000));
    co_await stop_.wait(heeded(jittered(pause, context_.random), why, context_.random));
    pause = std::min(pause * 2, kLongestPause);
    if (context_.state.membership && is_settled(Doubt::silence, polls) && is_settled(Doubt::no_tunnel, polls)) {
      log::info("polled again, and stays registered as it is");
      co_return;
    }
  }
}

net::Task<Result<void>> MembershipKeeper::join() {
  auto extras = co_await exposer_.at_registration();
  auto registered = co_await registration_.attempt(extras);
  if (!registered) co_return tl::unexpected(registered.error());
  context_.state.membership = registered->membership;
  context_.state.shown = std::move(registered->shown);
  context_.state.poll_nonce.reset();
  context_.state.polls = 0;
  exposer_.registered(std::move(extras), std::move(registered->extra_hostnames));
  log::info("registered", {{"agent", registered->membership.agent_id},
                           {"hostname", registered->membership.hostname},
                           {"took_ms", registered->took.count()},
                           {"of_it_minting_ms", registered->minting.count()}});
  co_return connector_.start(std::move(registered->tunnel_token));
}

}  // namespace dd::agent
