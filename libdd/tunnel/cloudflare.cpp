// The provider: what a control plane asks for, made of single API calls that may each be cut short and repeated.
#include "libdd/tunnel/cloudflare.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include "dd/log.hpp"
#include "libdd/net/beside.hpp"
#include "libdd/tunnel/cloudflare_dns.hpp"
#include "libdd/tunnel/cloudflare_tunnels.hpp"
#include "libdd/tunnel/keyed_lock.hpp"

namespace dd::tunnel {
namespace {

using TimePoint = Timer::TimePoint;

tl::unexpected<Error> give(ApiFailure failure) { return tl::unexpected(std::move(failure.error)); }

bool is_tunnel_name(std::string_view name) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  // Cloudflare refuses a name that looks like a UUID.
  return !name.empty() && name.size() <= 63 && std::ranges::all_of(name, good) && !is_tunnel_id(name);
}

class Cloudflare final : public TunnelProvider {
 public:
  Cloudflare(net::asio::any_io_executor executor, std::shared_ptr<HttpTransport> transport, CloudflareOptions options,
             std::shared_ptr<Timer> timer)
      : api_(std::move(transport), std::move(options), std::move(timer)),
        tunnels_(api_),
        dns_(api_),
        locks_(std::move(executor)) {}

  net::Task<Result<Tunnel>> ensure(std::string name) override;
  net::Task<Result<Secret>> run_token(std::string tunnel_id) override;
  net::Task<Result<ConfigVersion>> put_ingress(std::string tunnel_id, std::vector<IngressRule> rules) override;
  net::Task<Result<std::vector<DnsRecord>>> put_dns(std::string tunnel_id, std::string tunnel_name,
                                                    std::vector<std::string> hostnames) override;
  net::Task<Result<void>> remove_dns(std::string tunnel_id, std::vector<DnsRecord> records) override;
  net::Task<Result<void>> remove(std::string tunnel_id, std::string name) override;
  net::Task<Result<bool>> is_gone(std::string tunnel_id) override;
  net::Task<Result<std::optional<Tunnel>>> find(std::string name) override;
  net::Task<Result<std::optional<DnsRecord>>> find_dns(std::string hostname) override;
  net::Task<Result<std::vector<Tunnel>>> list(std::string prefix) override;

 private:
  [[nodiscard]] Result<void> usable() const;
  [[nodiscard]] Result<void> usable(std::string_view tunnel_id) const;
  net::Task<KeyedLock::Guard> ingress_turn(const std::string& tunnel_id) {
    return locks_.lock("ingress " + tunnel_id, api_.options().deadline);
  }
  net::Task<KeyedLock::Guard> dns_turn(const std::string& tunnel_id) {
    return locks_.lock("dns " + tunnel_id, api_.options().deadline);
  }
  net::Task<ApiResult<std::optional<Tunnel>>> adopt(std::string name, TimePoint until);
  net::Task<ApiResult<void>> remove_records(std::string tunnel_id, std::string only_comment, TimePoint until);
  net::Task<ApiResult<void>> remove_tunnel(std::string tunnel_id, TimePoint until);
  /// Of these, what put_dns() has not put for that tunnel before.
  [[nodiscard]] std::vector<std::string> new_hosts(const std::string& tunnel_id,
                                                   const std::vector<std::string>& hostnames) const;
  net::Task<ApiResult<void>> point_all(std::vector<std::string> hostnames, std::string tunnel_id,
                                       std::string tunnel_name, TimePoint until);

  Api api_;
  TunnelCalls tunnels_;
  DnsCalls dns_;
  KeyedLock locks_;
  std::map<std::string, std::vector<std::string>> put_before_;  // host names by tunnel id, as far as this process knows
};

tl::unexpected<Error> busy(const std::string& tunnel_id) {
  return fail(ErrorCode::deadline_exceeded,
              "cannot change tunnel " + tunnel_id + ": an earlier change is still under way");
}

Result<void> Cloudflare::usable() const {
  const auto& options = api_.options();
  if (!is_object_id(options.account_id))
    return fail(ErrorCode::invalid_argument, "cannot call Cloudflare: account id, want 32 lower-case hex digits");
  if (!is_object_id(options.zone_id))
    return fail(ErrorCode::invalid_argument, "cannot call Cloudflare: zone id, want 32 lower-case hex digits");
  if (!options.other_domain.empty() && !is_object_id(options.other_zone_id))
    return fail(ErrorCode::invalid_argument,
                "cannot call Cloudflare: zone id of " + options.other_domain + ", want 32 lower-case hex digits");
  return {};
}

Result<void> Cloudflare::usable(std::string_view tunnel_id) const {
  if (!is_tunnel_id(tunnel_id))
    return fail(ErrorCode::invalid_argument, "cannot call Cloudflare: tunnel id, want a UUID in lower case");
  return usable();
}

net::Task<ApiResult<std::optional<Tunnel>>> Cloudflare::adopt(std::string name, TimePoint until) {
  auto finding = tunnels_.find(name, until);
  auto found = co_await std::move(finding);
  if (!found) co_return tl::unexpected(found.error());
  if (!*found) co_return std::optional<Tunnel>();
  if ((*found)->local_config) {
    ApiFailure failure;
    failure.error = {ErrorCode::conflict,
                     "cannot adopt tunnel " + name + ": it takes its ingress from a local file (config_src)",
                     {},
                     {}};
    co_return tl::unexpected(std::move(failure));
  }
  log::info("tunnel adopted", {{"tunnel", name}, {"id", (*found)->tunnel.id}});
  co_return std::move((*found)->tunnel);
}

net::Task<Result<Tunnel>> Cloudflare::ensure(std::string name) {
  if (auto good = usable(); !good) co_return tl::unexpected(good.error());
  if (!is_tunnel_name(name))
    co_return fail(ErrorCode::invalid_argument,
                   "cannot create tunnel: name, want 1..63 of a-z, 0-9 and '-' and no UUID");
  const auto until = api_.deadline();
  auto waits = api_.backoff();
  for (;;) {
    auto creating = tunnels_.create(name, until);
    auto created = co_await std::move(creating);
    if (created) co_return *std::move(created);
    const auto failure = created.error();
    if (!failure.has(api_code::kTunnelNameTaken) && failure.effect == Effect::none) co_return give(failure);
    // Names are deterministic, so one that is taken is a create of ours whose answer was lost.
    auto adopting = adopt(name, until);
    auto adopted = co_await std::move(adopting);
    if (!adopted) co_return give(adopted.error());
    if (*adopted) co_return **std::move(adopted);
    // Taken but not listed yet, or really not there: the next create tells.
    const bool again = co_await api_.pause(waits, until);
    if (!again) co_return give(failure);
  }
}

net::Task<Result<Secret>> Cloudflare::run_token(std::string tunnel_id) {
  if (auto good = usable(tunnel_id); !good) co_return tl::unexpected(good.error());
  auto asking = tunnels_.run_token(std::move(tunnel_id), api_.deadline());
  auto token = co_await std::move(asking);
  if (!token) co_return give(token.error());
  co_return *std::move(token);
}

net::Task<Result<ConfigVersion>> Cloudflare::put_ingress(std::string tunnel_id, std::vector<IngressRule> rules) {
  if (auto good = usable(tunnel_id); !good) co_return tl::unexpected(good.error());
  const auto turn = co_await ingress_turn(tunnel_id);
  if (!turn) co_return busy(tunnel_id);
  auto putting = tunnels_.configure(std::move(tunnel_id), std::move(rules), api_.deadline());
  auto put = co_await std::move(putting);
  if (!put) co_return give(put.error());
  co_return *put;
}

net::Task<Result<std::vector<DnsRecord>>> Cloudflare::put_dns(std::string tunnel_id, std::string tunnel_name,
                                                              std::vector<std::string> hostnames) {
  if (auto good = usable(tunnel_id); !good) co_return tl::unexpected(good.error());
  const auto turn = co_await dns_turn(tunnel_id);
  if (!turn) co_return busy(tunnel_id);
  const auto until = api_.deadline();
  // New ones are made while we look at what is there.
  const auto fresh = new_hosts(tunnel_id, hostnames);
  auto executor = co_await net::this_executor();
  auto making = point_all(fresh, tunnel_id, tunnel_name, until);
  net::Beside<ApiResult<void>> made_meanwhile(std::move(executor), std::move(making));
  auto listing = dns_.of_tunnel(tunnel_id, until);
  auto records = co_await std::move(listing);
  const auto made = co_await made_meanwhile.result();
  if (!records) co_return give(records.error());
  if (!made) co_return give(made.error());
  const auto comment = dns_.comment_for(tunnel_name);
  std::vector<std::string> missing;
  std::ranges::copy_if(hostnames, std::back_inserter(missing), [&](const std::string& hostname) {
    const auto there = [&](const DnsRecord& record) { return record.name == hostname && record.comment == comment; };
    return std::ranges::none_of(*records, there) && std::ranges::find(fresh, hostname) == fresh.end();
  });
  auto pointing = point_all(std::move(missing), tunnel_id, tunnel_name, until);
  const auto pointed = co_await std::move(pointing);
  if (!pointed) co_return give(pointed.error());
  std::erase_if(*records, [&hostnames](const DnsRecord& record) {
    return std::ranges::find(hostnames, record.name) != hostnames.end();
  });
  put_before_[tunnel_id] = std::move(hostnames);
  co_return *std::move(records);
}

net::Task<Result<void>> Cloudflare::remove_dns(std::string tunnel_id, std::vector<DnsRecord> records) {
  if (auto good = usable(tunnel_id); !good) co_return good;
  const auto turn = co_await dns_turn(tunnel_id);
  if (!turn) co_return busy(tunnel_id);
  const auto until = api_.deadline();
  for (const auto& record : records) {
    auto removing = dns_.remove(record, until);
    const auto removed = co_await std::move(removing);
    if (!removed) co_return give(removed.error());
  }
  co_return Result<void>();
}

std::vector<std::string> Cloudflare::new_hosts(const std::string& tunnel_id,
                                               const std::vector<std::string>& hostnames) const {
  std::vector<std::string> fresh;
  const auto before = put_before_.find(tunnel_id);
  // Of a tunnel that an earlier process may have made nothing is known.
  if (before == put_before_.end()) return fresh;
  for (const auto& hostname : hostnames)
    if (std::ranges::find(before->second, hostname) == before->second.end()) fresh.push_back(hostname);
  return fresh;
}

net::Task<ApiResult<void>> Cloudflare::point_all(std::vector<std::string> hostnames, std::string tunnel_id,
                                                 std::string tunnel_name, TimePoint until) {
  for (const auto& hostname : hostnames) {
    auto pointing = dns_.point(hostname, tunnel_id, tunnel_name, until);
    auto pointed = co_await std::move(pointing);
    if (!pointed) co_return pointed;
  }
  co_return ApiResult<void>();
}

net::Task<ApiResult<void>> Cloudflare::remove_records(std::string tunnel_id, std::string only_comment,
                                                      TimePoint until) {
  auto listing = dns_.of_tunnel(std::move(tunnel_id), until);
  const auto records = co_await std::move(listing);
  if (!records) co_return tl::unexpected(records.error());
  for (const auto& record : *records) {
    if (!only_comment.empty() && record.comment != only_comment) continue;
    auto removing = dns_.remove(record, until);
    auto removed = co_await std::move(removing);
    if (!removed) co_return removed;
  }
  co_return ApiResult<void>();
}

/// cloudflared is back within seconds of being dropped, so the delete may meet it again.
net::Task<ApiResult<void>> Cloudflare::remove_tunnel(std::string tunnel_id, TimePoint until) {
  auto waits = api_.backoff();
  for (;;) {
    auto dropping = tunnels_.drop_connections(tunnel_id, until);
    auto dropped = co_await std::move(dropping);
    if (!dropped && !dropped.error().is_missing()) co_return dropped;
    auto removing = tunnels_.remove(tunnel_id, until);
    auto removed = co_await std::move(removing);
    if (removed || removed.error().is_missing()) co_return ApiResult<void>();
    if (!removed.error().has(api_code::kTunnelHasConnections)) co_return removed;
    const bool again = co_await api_.pause(waits, until);
    if (!again) co_return removed;
  }
}

net::Task<Result<void>> Cloudflare::remove(std::string tunnel_id, std::string name) {
  if (auto good = usable(tunnel_id); !good) co_return good;
  const auto ingress = co_await ingress_turn(tunnel_id);
  if (!ingress) co_return busy(tunnel_id);
  const auto dns = co_await dns_turn(tunnel_id);
  if (!dns) co_return busy(tunnel_id);
  put_before_.erase(tunnel_id);
  const auto until = api_.deadline();
  auto looking = tunnels_.get(tunnel_id, until);
  const auto state = co_await std::move(looking);
  const bool forgotten = !state && state.error().is_missing();
  if (!state && !forgotten) co_return give(state.error());
  if (!forgotten && state->tunnel.name != name)
    co_return fail(ErrorCode::conflict,
                   "cannot delete tunnel " + tunnel_id + ": it is named " + state->tunnel.name + ", want " + name);
  // Of a tunnel that is not even remembered only the records that name it are known to be ours.
  auto cleaning = remove_records(tunnel_id, forgotten ? dns_.comment_for(name) : std::string(), until);
  const auto cleaned = co_await std::move(cleaning);
  if (!cleaned) co_return give(cleaned.error());
  if (forgotten || state->deleted) co_return Result<void>();
  auto removing = remove_tunnel(tunnel_id, until);
  const auto removed = co_await std::move(removing);
  if (!removed) co_return give(removed.error());
  co_return Result<void>();
}

net::Task<Result<std::optional<Tunnel>>> Cloudflare::find(std::string name) {
  if (auto good = usable(); !good) co_return tl::unexpected(good.error());
  auto finding = tunnels_.find(std::move(name), api_.deadline());
  auto found = co_await std::move(finding);
  if (!found) co_return give(found.error());
  if (!*found) co_return std::optional<Tunnel>();
  co_return std::move((*found)->tunnel);
}

net::Task<Result<bool>> Cloudflare::is_gone(std::string tunnel_id) {
  if (auto good = usable(tunnel_id); !good) co_return tl::unexpected(good.error());
  auto looking = tunnels_.get(std::move(tunnel_id), api_.deadline());
  const auto state = co_await std::move(looking);
  if (state) co_return state->deleted;
  // In Cloudflare's own words: anything on the way can answer 404.
  if (state.error().is_missing() && state.error().effect == Effect::none) co_return true;
  co_return give(state.error());
}

net::Task<Result<std::optional<DnsRecord>>> Cloudflare::find_dns(std::string hostname) {
  if (auto good = usable(); !good) co_return tl::unexpected(good.error());
  auto finding = dns_.find(std::move(hostname), api_.deadline());
  auto found = co_await std::move(finding);
  if (!found) co_return give(found.error());
  std::optional<DnsRecord> record;
  if (*found) record = record_from(**found);
  co_return record;
}

net::Task<Result<std::vector<Tunnel>>> Cloudflare::list(std::string prefix) {
  if (auto good = usable(); !good) co_return tl::unexpected(good.error());
  auto listing = tunnels_.list(std::move(prefix), api_.deadline());
  auto tunnels = co_await std::move(listing);
  if (!tunnels) co_return give(tunnels.error());
  co_return *std::move(tunnels);
}

}  // namespace

std::unique_ptr<TunnelProvider> make_cloudflare(net::asio::any_io_executor executor,
                                                std::shared_ptr<HttpTransport> transport, CloudflareOptions options,
                                                std::shared_ptr<Timer> timer) {
  return std::make_unique<Cloudflare>(std::move(executor), std::move(transport), std::move(options), std::move(timer));
}

std::unique_ptr<TunnelProvider> make_cloudflare(net::asio::any_io_executor executor,
                                                std::shared_ptr<HttpTransport> transport, CloudflareOptions options) {
  return make_cloudflare(std::move(executor), std::move(transport), std::move(options), make_steady_timer());
}

}  // namespace dd::tunnel
