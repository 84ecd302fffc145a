#include "libdd/tunnel/cloudflare_tunnels.hpp"

#include <algorithm>

#include "libdd/core/json.hpp"

namespace dd::tunnel {
namespace {

bool is_hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

tl::unexpected<ApiFailure> nonsense(const std::string& what, const Error& error) {
  ApiFailure failure;
  failure.error = wrap(error, "cannot " + what).value();
  failure.error.code = ErrorCode::upstream;
  failure.error.path.clear();
  return tl::unexpected(std::move(failure));
}

Result<TunnelState> tunnel_from(const Json& value) {
  ObjectReader reader(value, "$.result");
  TunnelState state;
  state.tunnel.id = reader.text("id", {36, 36, is_tunnel_id, "a UUID"});
  state.tunnel.name = reader.text("name");
  state.tunnel.status = reader.optional_text("status").value_or("");
  state.tunnel.created_at = reader.optional_text("created_at").value_or("");
  state.deleted = !reader.optional_text("deleted_at").value_or("").empty();
  state.local_config = reader.optional_text("config_src").value_or("cloudflare") == "local";
  if (reader.error()) return tl::unexpected(*reader.error());
  return state;
}

Json config_document(const std::vector<IngressRule>& rules) {
  auto ingress = Json::array();
  for (const auto& rule : rules) ingress.push_back({{"hostname", rule.hostname}, {"service", rule.service}});
  // The last rule must match everything (code 1056 otherwise).
  ingress.push_back({{"service", "http_status:404"}});
  return {{"config", {{"ingress", std::move(ingress)}}}};
}

}  // namespace

bool is_tunnel_id(std::string_view id) noexcept {
  if (id.size() != 36) return false;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? id[i] != '-' : !is_hex_digit(id[i])) return false;
  }
  return true;
}

bool is_object_id(std::string_view id) noexcept { return id.size() == 32 && std::ranges::all_of(id, is_hex_digit); }

std::string TunnelCalls::path(std::string_view id, std::string_view rest) const {
  auto path = "/accounts/" + api_.options().account_id + "/cfd_tunnel";
  if (!id.empty()) path += "/" + std::string(id);
  return path + std::string(rest);
}

net::Task<ApiResult<void>> TunnelCalls::discard(ApiCall call) {
  auto calling = api_.call(std::move(call));
  const auto answer = co_await std::move(calling);
  if (!answer) co_return tl::unexpected(answer.error());
  co_return ApiResult<void>();
}

net::Task<ApiResult<Tunnel>> TunnelCalls::create(std::string name, TimePoint until) {
  ApiCall call{.method = "POST", .path = path("", ""), .what = "create tunnel " + name, .until = until};
  // "local", the API's default, makes cloudflared ignore the ingress that we put. The secret is generated there.
  call.body = {{"name", name}, {"config_src", "cloudflare"}};
  const auto what = call.what;
  const auto answer = co_await api_.call(std::move(call));
  if (!answer) co_return tl::unexpected(answer.error());
  auto state = tunnel_from(answer->result);
  if (!state) co_return nonsense(what, state.error());
  co_return std::move(state->tunnel);
}

net::Task<ApiResult<TunnelState>> TunnelCalls::get(std::string id, TimePoint until) {
  ApiCall call{.method = "GET", .path = path(id, ""), .what = "look up tunnel " + id, .until = until};
  const auto what = call.what;
  const auto answer = co_await api_.call(std::move(call));
  if (!answer) co_return tl::unexpected(answer.error());
  auto state = tunnel_from(answer->result);
  if (!state) co_return nonsense(what, state.error());
  co_return *std::move(state);
}

net::Task<ApiResult<std::optional<TunnelState>>> TunnelCalls::find(std::string name, TimePoint until) {
  ApiCall call{.method = "GET", .path = path("", ""), .what = "find tunnel " + name, .until = until};
  call.query = {{"name", name}, {"is_deleted", "false"}};
  const auto what = call.what;
  const auto items = co_await api_.list(std::move(call));
  if (!items) co_return tl::unexpected(items.error());
  for (const auto& item : *items) {
    auto state = tunnel_from(item);
    if (!state) co_return nonsense(what, state.error());
    // The filters are only asked for: some servers treat an unknown one as none.
    if (state->tunnel.name == name && !state->deleted) co_return *std::move(state);
  }
  co_return std::optional<TunnelState>();
}

net::Task<ApiResult<std::vector<Tunnel>>> TunnelCalls::list(std::string prefix, TimePoint until) {
  ApiCall call{.method = "GET", .path = path("", ""), .what = "list tunnels", .until = until};
  call.query = {{"include_prefix", prefix}, {"is_deleted", "false"}};
  const auto items = co_await api_.list(std::move(call));
  if (!items) co_return tl::unexpected(items.error());
  std::vector<Tunnel> tunnels;
  for (const auto& item : *items) {
    auto state = tunnel_from(item);
    if (!state) co_return nonsense("list tunnels", state.error());
    if (state->tunnel.name.starts_with(prefix) && !state->deleted) tunnels.push_back(std::move(state->tunnel));
  }
  co_return tunnels;
}

net::Task<ApiResult<Secret>> TunnelCalls::run_token(std::string id, TimePoint until) {
  ApiCall call{
      .method = "GET", .path = path(id, "/token"), .what = "get the run token of tunnel " + id, .until = until};
  const auto what = call.what;
  const auto answer = co_await api_.call(std::move(call));
  if (!answer) co_return tl::unexpected(answer.error());
  const auto* token = answer->result.get_ptr<const std::string*>();
  if (!token || token->empty()) {
    const Error error{ErrorCode::upstream, "the answer holds no token", {}, {}};
    co_return nonsense(what, error);
  }
  co_return Secret(*token);
}

net::Task<ApiResult<ConfigVersion>> TunnelCalls::configure(std::string id, std::vector<IngressRule> rules,
                                                           TimePoint until) {
  ApiCall call{
      .method = "PUT", .path = path(id, "/configurations"), .what = "put the ingress of tunnel " + id, .until = until};
  call.body = config_document(rules);
  const auto answer = co_await api_.call(std::move(call));
  if (!answer) co_return tl::unexpected(answer.error());
  ConfigVersion version;
  if (const auto& result = answer->result; result.is_object() && result.contains("version"))
    if (const auto& said = result.at("version"); said.is_number_integer()) version = said.get<std::int64_t>();
  co_return version;
}

net::Task<ApiResult<void>> TunnelCalls::drop_connections(std::string id, TimePoint until) {
  ApiCall call{.method = "DELETE",
               .path = path(id, "/connections"),
               .what = "drop the connectors of tunnel " + id,
               .until = until};
  return discard(std::move(call));
}

net::Task<ApiResult<void>> TunnelCalls::remove(std::string id, TimePoint until) {
  ApiCall call{.method = "DELETE", .path = path(id, ""), .what = "delete tunnel " + id, .until = until};
  return discard(std::move(call));
}

}  // namespace dd::tunnel
