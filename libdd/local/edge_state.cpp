#include "libdd/local/edge_state.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>

#include <fmt/format.h>

#include "dd/bytes.hpp"
#include "libdd/core/json.hpp"

namespace dd::local {
namespace {

constexpr std::string_view kTunnelDomain = ".cfargotunnel.com";

std::string random_hex(std::size_t bytes) {
  Bytes noise(bytes);
  system_random().fill(noise);
  return to_hex(noise);
}

std::string make_uuid() {
  const auto hex = random_hex(16);
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4),
                     hex.substr(20, 12));
}

std::string now_text() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

}  // namespace

EdgeState::EdgeState(std::string account, std::vector<std::string> zones)
    : account_(std::move(account)), zones_(std::move(zones)) {}

EdgeTunnel& EdgeState::add_tunnel(std::string name) {
  EdgeTunnel tunnel;
  tunnel.id = make_uuid();
  tunnel.name = std::move(name);
  Bytes secret(32);
  system_random().fill(secret);
  tunnel.secret = to_base64(secret);
  tunnel.created_at = now_text();
  auto id = tunnel.id;
  return tunnels_.emplace(std::move(id), std::move(tunnel)).first->second;
}

EdgeTunnel* EdgeState::find_tunnel(std::string_view id) {
  const auto found = tunnels_.find(id);
  return found == tunnels_.end() ? nullptr : &found->second;
}

EdgeTunnel* EdgeState::find_live_name(std::string_view name) {
  for (auto& [id, tunnel] : tunnels_)
    if (tunnel.name == name && tunnel.deleted_at.empty()) return &tunnel;
  return nullptr;
}

void EdgeState::delete_tunnel(EdgeTunnel& tunnel) { tunnel.deleted_at = now_text(); }

std::vector<const EdgeTunnel*> EdgeState::tunnels() const {
  std::vector<const EdgeTunnel*> all;
  for (const auto& [id, tunnel] : tunnels_) all.push_back(&tunnel);
  return all;
}

std::string EdgeState::run_token(const EdgeTunnel& tunnel) const {
  const Json token = {{"a", account_}, {"t", tunnel.id}, {"s", tunnel.secret}, {"e", reverse_endpoint_}};
  return to_base64(as_bytes(to_text(token)));
}

bool EdgeState::may_connect(std::string_view account, std::string_view id, std::string_view secret) {
  const auto* tunnel = find_tunnel(id);
  return account == account_ && tunnel != nullptr && tunnel->deleted_at.empty() &&
         constant_time_equal(as_bytes(secret), as_bytes(tunnel->secret));
}

EdgeRecord& EdgeState::add_record(EdgeRecord record) {
  record.id = random_hex(16);
  record.name = lower(record.name);
  auto id = record.id;
  return records_.emplace(std::move(id), std::move(record)).first->second;
}

EdgeRecord* EdgeState::find_record(std::string_view zone, std::string_view id) {
  const auto found = records_.find(id);
  return found == records_.end() || found->second.zone != zone ? nullptr : &found->second;
}

EdgeRecord* EdgeState::find_host(std::string_view name) {
  const auto wanted = lower(name);
  for (auto& [id, record] : records_)
    if (record.name == wanted) return &record;
  return nullptr;
}

void EdgeState::replace_record(EdgeRecord& existing, EdgeRecord record) {
  record.id = std::move(existing.id);
  record.zone = std::move(existing.zone);
  record.name = lower(record.name);
  existing = std::move(record);
}

void EdgeState::delete_record(std::string_view id) {
  const auto found = records_.find(id);
  if (found != records_.end()) records_.erase(found);
}

std::vector<const EdgeRecord*> EdgeState::records() const {
  std::vector<const EdgeRecord*> all;
  for (const auto& [id, record] : records_) all.push_back(&record);
  return all;
}

EdgeRoute EdgeState::route(std::string_view host) {
  const auto* record = find_host(host);
  if (record == nullptr || record->type != "CNAME" || !record->content.ends_with(kTunnelDomain)) return {};
  const auto id = record->content.substr(0, record->content.size() - kTunnelDomain.size());
  const auto* tunnel = find_tunnel(id);
  const bool live = tunnel != nullptr && tunnel->deleted_at.empty();
  return {live ? EdgeRoute::Kind::tunnel : EdgeRoute::Kind::tunnel_gone, id};
}

}  // namespace dd::local
