#include "libdd/local/edge_api.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/local/edge_envelope.hpp"

namespace dd::local {
namespace {

constexpr const char* kBase = "/client/v4";
constexpr std::chrono::milliseconds kDelivery{500};

bool is_rule(const Json& rule) {
  const auto text_or_absent = [&rule](const char* name) { return !rule.contains(name) || rule.at(name).is_string(); };
  return rule.is_object() && text_or_absent("hostname") && text_or_absent("service");
}

/// Connectors take what they are sent, so what is no list of rules ends here.
bool is_ingress(const Json& ingress) {
  return ingress.is_array() && !ingress.empty() && std::ranges::all_of(ingress, is_rule) &&
         !ingress.back().contains("hostname");
}

}  // namespace

void EdgeApi::add(net::Router& router, const char* method, const std::string& pattern, Call call) {
  router.add(method, kBase + pattern,
             [this, call](const net::ServerRequest& request) { return guarded(request, call); });
}

void EdgeApi::add_routes(net::Router& router) {
  const std::string tunnels = "/accounts/" + state_.account() + "/cfd_tunnel";
  const std::string one = tunnels + "/{id}";
  const std::string records = "/zones/{zone}/dns_records";
  add(router, "POST", tunnels, &EdgeApi::create_tunnel);
  add(router, "GET", tunnels, &EdgeApi::list_tunnels);
  add(router, "GET", one, &EdgeApi::get_tunnel);
  add(router, "DELETE", one, &EdgeApi::delete_tunnel);
  add(router, "GET", one + "/token", &EdgeApi::get_token);
  add(router, "DELETE", one + "/connections", &EdgeApi::delete_connections);
  add(router, "GET", one + "/configurations", &EdgeApi::get_configuration);
  add(router, "PUT", one + "/configurations", &EdgeApi::put_configuration);
  add(router, "GET", records, &EdgeApi::list_records);
  add(router, "POST", records, &EdgeApi::create_record);
  add(router, "PUT", records + "/{id}", &EdgeApi::put_record);
  add(router, "DELETE", records + "/{id}", &EdgeApi::delete_record);
  add(router, "GET", "/user/tokens/verify", &EdgeApi::verify_token);
  router.add("GET", "/__edge/state",
             [this](const net::ServerRequest& request) { return guarded(request, &EdgeApi::show_state); });
  router.add("POST", "/__edge/lateness", [this](const net::ServerRequest& request) { return order_lateness(request); });
  router.add("POST", "/__edge/faults", [this](const net::ServerRequest& request) { return order_faults(request); });
}

net::Task<EdgeApi::Answer> EdgeApi::guarded(const net::ServerRequest& request, Call call) {
  const auto* header = request.headers.find("Authorization");
  const auto expected = "Bearer " + std::string(token_.reveal());
  if (header == nullptr || !constant_time_equal(as_bytes(*header), as_bytes(expected)))
    co_return cf_error(403, 10000, "Authentication error");
  if (auto fault = faults_.next()) co_return *std::move(fault);
  const bool in_zone = request.path.starts_with(std::string(kBase) + "/zones/");
  if (in_zone && std::ranges::find(state_.zones(), request.params.at(0)) == state_.zones().end())
    co_return cf_error(404, 7003, "Could not route to that zone: no such object identifier");
  co_return co_await (this->*call)(request);
}

Json EdgeApi::tunnel_json(const EdgeTunnel& tunnel) const {
  const auto connectors = reverse_.connectors(tunnel.id);
  return {{"id", tunnel.id},
          {"account_tag", state_.account()},
          {"name", tunnel.name},
          {"created_at", tunnel.created_at},
          {"deleted_at", tunnel.deleted_at.empty() ? Json() : Json(tunnel.deleted_at)},
          {"status", connectors > 0 ? "healthy" : "inactive"},
          {"tun_type", "cfd_tunnel"},
          {"config_src", "cloudflare"},
          {"remote_config", true},
          {"connections", Json::array()}};
}

net::Task<EdgeApi::Answer> EdgeApi::create_tunnel(const net::ServerRequest& request) {
  const auto body = parse_json(request.body);
  if (!body) co_return cf_error(400, 1030, "body is not JSON");
  ObjectReader reader(*body, "$");
  auto name = reader.text("name", {.least = 1, .most = 100});
  if (reader.error()) co_return cf_error(400, 1030, reader.error()->message);
  // Without it the real cloudflared never takes the remote configuration.
  if (reader.optional_text("config_src").value_or("local") != "cloudflare")
    co_return cf_error(400, 1030, "this edge serves config_src cloudflare only");
  if (state_.find_live_name(name) != nullptr)
    co_return cf_error(409, 1013, "You already have a tunnel with this name.");
  const auto& tunnel = state_.add_tunnel(std::move(name));
  auto result = tunnel_json(tunnel);
  result["token"] = state_.run_token(tunnel);
  co_return cf_result(std::move(result));
}

net::Task<EdgeApi::Answer> EdgeApi::list_tunnels(const net::ServerRequest& request) {
  const auto name = request.query_value("name");
  const auto prefix = request.query_value("include_prefix");
  const bool live_only = request.query_value("is_deleted").value_or("") == "false";
  std::vector<Json> items;
  for (const auto* tunnel : state_.tunnels()) {
    if (name && tunnel->name != *name) continue;
    if (prefix && !tunnel->name.starts_with(*prefix)) continue;
    if (live_only && !tunnel->deleted_at.empty()) continue;
    items.push_back(tunnel_json(*tunnel));
  }
  co_return cf_page(items, request);
}

net::Task<EdgeApi::Answer> EdgeApi::get_tunnel(const net::ServerRequest& request) {
  const auto* tunnel = state_.find_tunnel(request.params.at(0));
  if (tunnel == nullptr) co_return cf_error(404, 1003, "Tunnel not found");
  co_return cf_result(tunnel_json(*tunnel));
}

net::Task<EdgeApi::Answer> EdgeApi::delete_tunnel(const net::ServerRequest& request) {
  auto* tunnel = state_.find_tunnel(request.params.at(0));
  if (tunnel == nullptr || !tunnel->deleted_at.empty()) co_return cf_error(404, 1003, "Tunnel not found");
  const bool cascade = request.query_value("cascade").value_or("") == "true";
  if (reverse_.connectors(tunnel->id) > 0 && !cascade)
    co_return cf_error(400, 1022, "This tunnel has active connections");
  state_.delete_tunnel(*tunnel);
  reverse_.cut(tunnel->id);
  co_return cf_result(tunnel_json(*tunnel));
}

net::Task<EdgeApi::Answer> EdgeApi::get_token(const net::ServerRequest& request) {
  const auto* tunnel = state_.find_tunnel(request.params.at(0));
  if (tunnel == nullptr || !tunnel->deleted_at.empty()) co_return cf_error(404, 1003, "Tunnel not found");
  co_return cf_result(state_.run_token(*tunnel));
}

net::Task<EdgeApi::Answer> EdgeApi::delete_connections(const net::ServerRequest& request) {
  if (state_.find_tunnel(request.params.at(0)) == nullptr) co_return cf_error(404, 1003, "Tunnel not found");
  reverse_.cut(request.params.at(0));
  // The connections' own coroutines notice on their next turn.
  const std::chrono::milliseconds turn(5);
  co_await net::sleep_for(turn);
  co_return cf_result(Json());
}

net::Task<EdgeApi::Answer> EdgeApi::get_configuration(const net::ServerRequest& request) {
  const auto* tunnel = state_.find_tunnel(request.params.at(0));
  if (tunnel == nullptr) co_return cf_error(404, 1003, "Tunnel not found");
  co_return cf_result(
      {{"tunnel_id", tunnel->id}, {"version", tunnel->version}, {"config", tunnel->config}, {"source", "cloudflare"}});
}

net::Task<EdgeApi::Answer> EdgeApi::put_configuration(const net::ServerRequest& request) {
  auto* tunnel = state_.find_tunnel(request.params.at(0));
  if (tunnel == nullptr || !tunnel->deleted_at.empty()) co_return cf_error(404, 1003, "Tunnel not found");
  const auto body = parse_json(request.body);
  if (!body || !body->is_object()) co_return cf_error(400, 1030, "body is not JSON");
  const auto config = body->value("config", Json());
  const auto ingress = config.is_object() ? config.value("ingress", Json()) : Json();
  if (!is_ingress(ingress)) co_return cf_error(400, 1056, "last ingress rule must match all URLs");
  tunnel->config = config;
  ++tunnel->version;
  const Json result = {
      {"tunnel_id", tunnel->id}, {"version", tunnel->version}, {"config", tunnel->config}, {"source", "cloudflare"}};
  // Cloudflare says yes before its connectors have got it; we wait, unless a test wants to see what comes of that.
  const auto wait = state_.apply_late.count() > 0 ? std::chrono::milliseconds(0) : kDelivery;
  co_await reverse_.publish(tunnel->id, wait);
  co_return cf_result(result);
}

net::Task<EdgeApi::Answer> EdgeApi::verify_token(const net::ServerRequest&) {
  co_return cf_result({{"id", "local"}, {"status", "active"}});
}

net::Task<EdgeApi::Answer> EdgeApi::show_state(const net::ServerRequest&) {
  Json tunnels = Json::array();
  for (const auto* tunnel : state_.tunnels()) {
    auto item = tunnel_json(*tunnel);
    item["ingress"] = tunnel->config.value("ingress", Json::array());
    item["connectors"] = reverse_.connectors(tunnel->id);
    tunnels.push_back(std::move(item));
  }
  Json records = Json::array();
  for (const auto* record : state_.records())
    records.push_back({{"id", record->id},
                       {"type", record->type},
                       {"name", record->name},
                       {"content", record->content},
                       {"comment", record->comment}});
  const Json answer = {
      {"tunnels", std::move(tunnels)}, {"records", std::move(records)}, {"requests", faults_.requests()}};
  co_return net::json_response(to_text(answer));
}

net::Task<EdgeApi::Answer> EdgeApi::order_lateness(const net::ServerRequest& request) {
  const auto body = parse_json(request.body);
  if (!body) co_return tl::unexpected(body.error());
  ObjectReader reader(*body, "$");
  const std::chrono::milliseconds late(reader.integer("apply_late_ms", 0, 60'000));
  if (reader.error()) co_return tl::unexpected(*reader.error());
  state_.apply_late = late;
  co_return net::json_response("{}");
}

net::Task<EdgeApi::Answer> EdgeApi::order_faults(const net::ServerRequest& request) {
  const auto body = parse_json(request.body);
  if (!body) co_return tl::unexpected(body.error());
  ObjectReader reader(*body, "$");
  const auto times = reader.integer("times", 0, 10'000);
  const auto status = reader.integer("status", 200, 599);
  const auto code = reader.optional_integer("code", 0, 100'000).value_or(10'000);
  const auto retry_after = reader.optional_text("retry_after", {.least = 1, .most = 64});
  if (reader.error()) co_return tl::unexpected(*reader.error());
  // Status 200 gives Cloudflare's trap: HTTP 200 with success false.
  auto fault = cf_error(static_cast<int>(status), static_cast<int>(code), "ordered fault");
  if (retry_after) fault.headers.add("Retry-After", *retry_after);
  faults_.fail_next(static_cast<int>(times), std::move(fault));
  co_return net::json_response("{}");
}

}  // namespace dd::local
