#include "libdd/cp/self_tunnel.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "dd/log.hpp"
#include "libdd/net/backoff.hpp"

namespace dd::cp {
namespace {

constexpr const char* kTunnelName = "own_tunnel";
constexpr const char* kTunnelKey = "own_tunnel_kid";
constexpr const char* kFormerTunnel = "former_tunnel";
constexpr const char* kReplacedKey = "replaced_kid";
constexpr int kLongestPause = 10;  // as a multiple of DD_TUNNEL_CHECK_AFTER

tunnel::ConnectorOptions connector_options(const ControlPlaneOptions& options) {
  tunnel::ConnectorOptions connector;
  connector.command = options.connector;
  connector.directory = options.state_dir / "connector";
  return connector;
}

}  // namespace

SelfTunnel::SelfTunnel(asio::any_io_executor executor, std::shared_ptr<HttpTransport> transport,
                       const ControlPlaneOptions& options, Store& store, tunnel::TunnelProvider& tunnels)
    : options_(options),
      store_(store),
      tunnels_(tunnels),
      connector_(executor, std::move(transport), connector_options(options)),
      stop_(std::move(executor)) {}

net::Task<Result<void>> SelfTunnel::open(Bytes fleet_key, std::string kid, Random& random,
                                         std::vector<IngressRule> rules) {
  kid_ = kid;
  auto naming = name_it(std::move(fleet_key), std::move(kid), random);
  const auto named = co_await std::move(naming);
  if (!named) co_return named;
  rules_ = std::move(rules);
  random_ = &random;
  auto making = make();
  co_return co_await std::move(making);
}

net::Task<Result<void>> SelfTunnel::make() {
  const auto made = co_await tunnels_.ensure(name_);
  if (!made) co_return wrap(made.error(), "cannot create own tunnel");
  id_ = made->id;
  const auto ingress = co_await tunnels_.put_ingress(id_, rules_);
  if (!ingress) co_return wrap(ingress.error(), "cannot publish own ingress");
  auto token = co_await tunnels_.run_token(id_);
  if (!token) co_return wrap(token.error(), "cannot fetch own run token");
  if (stopping_) co_return Result<void>();
  co_return connector_.start(*std::move(token));
}

net::Task<void> SelfTunnel::keep() {
  const auto patience = options_.tunnel_check_after;
  net::Backoff pause({patience, kLongestPause * patience}, *random_);
  while (!stopping_) {
    if (!unfinished_) {
      const bool unready = co_await connector_.wait_unready(patience, std::chrono::hours(1));
      if (!unready || stopping_) continue;
    }
    const auto settled = co_await make_anew_if_gone();
    if (!settled) log::warning("cannot see to the own tunnel", {{"why", settled.error().message}});
    if (!stopping_) co_await stop_.wait(pause.next());
    const bool still = co_await connector_.wait_unready(patience, std::chrono::milliseconds(0));
    if (!still && !unfinished_) pause.reset();
  }
}

net::Task<Result<void>> SelfTunnel::make_anew_if_gone() {
  if (!unfinished_) {
    const auto gone = co_await tunnels_.is_gone(id_);
    if (!gone) co_return tl::unexpected(gone.error());
    if (!*gone) co_return Result<void>();
    log::warning("the own tunnel was gone and is made anew", {{"tunnel", name_}});
    led_to_ = id_;
    unfinished_ = true;
  }
  if (stopping_) co_return Result<void>();
  auto making = make();
  const auto made = co_await std::move(making);
  if (!made || stopping_) co_return made;
  // A control plane that took the host name meanwhile keeps it.
  for (const auto& rule : rules_) {
    const auto record = co_await tunnels_.find_dns(rule.hostname);
    if (!record) co_return tl::unexpected(record.error());
    if (stopping_) co_return Result<void>();
    if (*record && (*record)->content != tunnel::target_of(led_to_) && !has(**record))
      co_return fail(ErrorCode::conflict,
                     "cannot publish own host name " + rule.hostname + ": it leads to another tunnel");
  }
  const auto published = co_await publish();
  if (published) unfinished_ = false;
  co_return published;
}

net::Task<Result<void>> SelfTunnel::name_it(Bytes fleet_key, std::string kid, Random& random) {
  const auto known = co_await store_.setting(kTunnelName);
  if (!known) co_return wrap(known.error(), "cannot read own tunnel's name");
  const auto key = co_await store_.setting(kTunnelKey);
  if (!key) co_return wrap(key.error(), "cannot read own tunnel's key");
  name_ = known->value_or("");
  if (!name_.empty() && key->value_or(kid) == kid) co_return Result<void>();
  if (!name_.empty()) {
    const auto former = co_await store_.set_setting(kFormerTunnel, name_);
    if (!former) co_return wrap(former.error(), "cannot keep the former tunnel's name");
  }
  name_ = make_tunnel_name(options_.env, "cp", fleet_key, random);
  const auto kept = co_await store_.set_setting(kTunnelName, name_);
  if (!kept) co_return wrap(kept.error(), "cannot keep own tunnel's name");
  const auto kept_key = co_await store_.set_setting(kTunnelKey, std::move(kid));
  if (!kept_key) co_return wrap(kept_key.error(), "cannot keep own tunnel's key");
  co_return Result<void>();
}

net::Task<Result<void>> SelfTunnel::publish() {
  std::vector<std::string> hostnames;
  std::ranges::transform(rules_, std::back_inserter(hostnames), &IngressRule::hostname);
  auto left = co_await tunnels_.put_dns(id_, name_, std::move(hostnames));
  if (!left) co_return wrap(left.error(), "cannot publish own DNS record");
  if (left->empty()) co_return Result<void>();
  const auto removed = co_await tunnels_.remove_dns(id_, *std::move(left));
  if (!removed) co_return wrap(removed.error(), "cannot publish own DNS record");
  co_return Result<void>();
}

net::Task<Result<void>> SelfTunnel::settle_former(bool lives) {
  const auto former = co_await store_.setting(kFormerTunnel);
  if (!former) co_return tl::unexpected(former.error());
  const auto name = former->value_or("");
  if (name.empty()) co_return Result<void>();
  if (!lives) {
    // Ours to remove: its name stood in our registry, made under our fleet's key.
    const auto found = co_await tunnels_.find(name);
    if (!found) co_return tl::unexpected(found.error());
    if (*found) {
      const auto removed = co_await tunnels_.remove((*found)->id, name);
      if (!removed) co_return removed;
    }
  }
  co_return co_await store_.set_setting(kFormerTunnel, "");
}

net::Task<void> SelfTunnel::stop(std::chrono::milliseconds grace) {
  stopping_ = true;
  stop_.notify();
  co_await connector_.stop(grace);
}

net::Task<Result<void>> SelfTunnel::remove() {
  if (id_.empty()) {
    const auto known = co_await store_.setting(kTunnelName);
    if (!known) co_return wrap(known.error(), "cannot read own tunnel's name");
    name_ = known->value_or("");
    if (name_.empty()) co_return Result<void>();
    const auto found = co_await tunnels_.find(name_);
    if (!found) co_return tl::unexpected(found.error());
    if (!*found) co_return co_await store_.set_setting(kTunnelName, "");
    id_ = (*found)->id;
  }
  const auto removed = co_await tunnels_.remove(id_, name_);
  if (!removed) co_return removed;
  co_return co_await store_.set_setting(kTunnelName, "");
}

net::Task<Result<void>> SelfTunnel::note_replaced() { co_return co_await store_.set_setting(kReplacedKey, kid_); }

net::Task<Result<bool>> SelfTunnel::was_replaced(std::string kid) {
  const auto known = co_await store_.setting(kReplacedKey);
  if (!known) co_return wrap(known.error(), "cannot read whether another control plane has the host name");
  co_return *known == kid;
}

}  // namespace dd::cp
