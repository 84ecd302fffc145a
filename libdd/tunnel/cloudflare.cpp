#include "libdd/tunnel/cloudflare.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/net/url.hpp"
#include "libdd/tunnel/api.hpp"
#include "libdd/tunnel/dns.hpp"

namespace dd::tunnel {
namespace {

std::string text_of(const Json& item, const char* name) {
  const auto found = item.find(name);
  return found != item.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Tunnel tunnel_from(const Json& item) { return {text_of(item, "id"), text_of(item, "name"), text_of(item, "status"), text_of(item, "created_at")}; }

bool is_deleted(const Json& item) { return !text_of(item, "deleted_at").empty(); }

/// Ids go into paths: only what Cloudflare's ids look like gets there.
bool is_tunnel_id(std::string_view id) {
  return id.size() == 36 && id.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

class Cloudflare final : public TunnelProvider {
 public:
  Cloudflare(asio::any_io_executor executor, std::shared_ptr<HttpTransport> transport, CloudflareOptions options)
      : options_(std::move(options)), api_(std::move(executor), std::move(transport), options_), dns_(api_, options_) {}

  net::Task<Result<Tunnel>> ensure(std::string name) override;
  net::Task<Result<Secret>> run_token(std::string tunnel_id) override;
  net::Task<Result<void>> put_ingress(std::string tunnel_id, std::vector<IngressRule> rules) override;
  net::Task<Result<void>> put_dns(std::string tunnel_id, std::string tunnel_name, std::vector<std::string> hostnames) override;
  net::Task<Result<void>> remove(std::string tunnel_id, std::string name) override;
  net::Task<Result<std::optional<Tunnel>>> find(std::string name) override;
  net::Task<Result<std::vector<Tunnel>>> list(std::string prefix) override;

 private:
  [[nodiscard]] std::string path() const { return "/accounts/" + options_.account_id + "/cfd_tunnel"; }
  net::Task<Result<void>> remove_tunnel(std::string tunnel_id);
  net::Task<Result<Json>> of_tunnel(std::string method, std::string tunnel_id, std::string what, Json body);

  CloudflareOptions options_;
  Api api_;
  Dns dns_;
};

net::Task<Result<Tunnel>> Cloudflare::ensure(std::string name) {
  const Json body = {{"name", name}, {"config_src", "cloudflare"}};
  const auto made = co_await api_.call("POST", path(), body);
  if (made) {
    auto tunnel = tunnel_from(*made);
    if (is_tunnel_id(tunnel.id)) co_return tunnel;
    co_return fail(ErrorCode::upstream, "cannot create tunnel " + name + ": the answer has no tunnel id");
  }
  // Taken, or the answer was lost after the tunnel was made: names are ours alone, so a live one of this name is adopted.
  if (made.error().code != kTunnelNameTaken && !made.error().uncertain) co_return wrap(to_error(made.error()), "cannot create tunnel " + name);
  const auto existing = co_await find(name);
  if (!existing) co_return wrap(existing.error(), "cannot create tunnel " + name);
  if (*existing) co_return **existing;
  co_return wrap(to_error(made.error()), "cannot create tunnel " + name);
}

net::Task<Result<Json>> Cloudflare::of_tunnel(std::string method, std::string tunnel_id, std::string what, Json body) {
  if (!is_tunnel_id(tunnel_id)) co_return fail(ErrorCode::invalid_argument, "cannot call Cloudflare: \"" + tunnel_id + "\" is no tunnel id");
  auto result = co_await api_.call(std::move(method), path() + "/" + tunnel_id + what, std::move(body));
  if (!result) co_return tl::unexpected(to_error(result.error()));
  co_return *std::move(result);
}

net::Task<Result<Secret>> Cloudflare::run_token(std::string tunnel_id) {
  const auto token = co_await of_tunnel("GET", std::move(tunnel_id), "/token", Json());
  if (!token) co_return wrap(token.error(), "cannot fetch run token");
  if (!token->is_string()) co_return fail(ErrorCode::upstream, "cannot fetch run token: the answer is no text");
  co_return Secret(token->get<std::string>());
}

net::Task<Result<void>> Cloudflare::put_ingress(std::string tunnel_id, std::vector<IngressRule> rules) {
  Json ingress = Json::array();
  for (const auto& rule : rules) ingress.push_back({{"hostname", rule.hostname}, {"service", rule.service}});
  ingress.push_back({{"service", "http_status:404"}});
  Json body = {{"config", {{"ingress", std::move(ingress)}}}};
  const auto put = co_await of_tunnel("PUT", std::move(tunnel_id), "/configurations", std::move(body));
  if (!put) co_return wrap(put.error(), "cannot replace ingress");
  co_return Result<void>();
}

net::Task<Result<void>> Cloudflare::put_dns(std::string tunnel_id, std::string tunnel_name, std::vector<std::string> hostnames) {
  co_return co_await dns_.put(std::move(tunnel_id), std::move(tunnel_name), std::move(hostnames));
}

net::Task<Result<void>> Cloudflare::remove(std::string tunnel_id, std::string name) {
  if (!is_tunnel_id(tunnel_id)) co_return fail(ErrorCode::invalid_argument, "cannot delete tunnel: \"" + tunnel_id + "\" is no tunnel id");
  // Read back right before: an id that now carries another name is not the tunnel we made.
  const auto current = co_await api_.call("GET", path() + "/" + tunnel_id, Json());
  if (!current && current.error().status != 404) co_return wrap(to_error(current.error()), "cannot delete tunnel " + name);
  if (current && text_of(*current, "name") != name)
    co_return fail(ErrorCode::conflict, "cannot delete tunnel " + tunnel_id + ": it is not " + name);
  const auto records = co_await dns_.remove_all(tunnel_id);
  if (!records) co_return wrap(records.error(), "cannot delete tunnel " + name);
  if (!current || is_deleted(*current)) co_return Result<void>();
  const auto removed = co_await remove_tunnel(std::move(tunnel_id));
  if (!removed) co_return wrap(removed.error(), "cannot delete tunnel " + name);
  co_return Result<void>();
}

net::Task<Result<void>> Cloudflare::remove_tunnel(std::string tunnel_id) {
  const auto target = path() + "/" + tunnel_id;
  // A live connector dials in again at once, so dropping and deleting may need more than one go.
  constexpr int kTries = 5;
  for (int i = 0; i < kTries; ++i) {
    const auto dropped = co_await api_.call("DELETE", target + "/connections", Json());
    if (!dropped && dropped.error().status != 404) co_return tl::unexpected(to_error(dropped.error()));
    const auto removed = co_await api_.call("DELETE", target, Json());
    if (removed || removed.error().status == 404) co_return Result<void>();
    if (removed.error().code != kTunnelHasConnections) co_return tl::unexpected(to_error(removed.error()));
  }
  co_return fail(ErrorCode::unavailable, "its connector keeps coming back");
}

net::Task<Result<std::optional<Tunnel>>> Cloudflare::find(std::string name) {
  const auto items = co_await api_.list(path(), "is_deleted=false&name=" + net::percent_encode(name));
  if (!items) co_return wrap(to_error(items.error()), "cannot look for tunnel " + name);
  for (const auto& item : *items) {
    auto tunnel = tunnel_from(item);
    if (tunnel.name == name && !is_deleted(item) && is_tunnel_id(tunnel.id)) co_return std::optional<Tunnel>(std::move(tunnel));
  }
  co_return std::optional<Tunnel>();
}

net::Task<Result<std::vector<Tunnel>>> Cloudflare::list(std::string prefix) {
  const auto items = co_await api_.list(path(), "is_deleted=false&include_prefix=" + net::percent_encode(prefix));
  if (!items) co_return wrap(to_error(items.error()), "cannot list tunnels");
  std::vector<Tunnel> tunnels;
  for (const auto& item : *items)
    if (auto tunnel = tunnel_from(item); tunnel.name.starts_with(prefix) && !is_deleted(item)) tunnels.push_back(std::move(tunnel));
  co_return tunnels;
}

}  // namespace

std::unique_ptr<TunnelProvider> make_cloudflare(asio::any_io_executor executor, std::shared_ptr<HttpTransport> transport, CloudflareOptions options) {
  return std::make_unique<Cloudflare>(std::move(executor), std::move(transport), std::move(options));
}

}  // namespace dd::tunnel
