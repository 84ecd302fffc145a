// What the local edge knows: tunnels, their ingress, DNS records. Plain data, no sockets.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "dd/random.hpp"

namespace dd::local {

struct EdgeTunnel {
  std::string id;
  std::string name;
  std::string secret;  // standard base64, as in the run token
  std::string created_at;
  std::string deleted_at;
  nlohmann::json config = {{"ingress", nlohmann::json::array()}};
  std::int64_t version = 0;
};

struct EdgeRecord {
  std::string id;
  std::string zone;
  std::string type;
  std::string name;
  std::string content;
  std::string comment;
  bool proxied = false;
};

/// Where a request for a host goes.
struct EdgeRoute {
  enum class Kind { no_record, tunnel_gone, tunnel };
  Kind kind = Kind::no_record;
  std::string tunnel_id;
};

class EdgeState {
 public:
  EdgeState(std::string account, std::vector<std::string> zones);
  /// host:port where connectors dial in; part of every run token.
  void set_reverse_endpoint(std::string endpoint) { reverse_endpoint_ = std::move(endpoint); }

  [[nodiscard]] const std::string& account() const noexcept { return account_; }
  [[nodiscard]] const std::vector<std::string>& zones() const noexcept { return zones_; }

  EdgeTunnel& add_tunnel(std::string name);
  [[nodiscard]] EdgeTunnel* find_tunnel(std::string_view id);
  [[nodiscard]] EdgeTunnel* find_live_name(std::string_view name);
  void delete_tunnel(EdgeTunnel& tunnel);
  [[nodiscard]] std::vector<const EdgeTunnel*> tunnels() const;
  /// Standard base64 of {"a","t","s","e"}.
  [[nodiscard]] std::string run_token(const EdgeTunnel& tunnel) const;
  /// Whether a connector may serve the tunnel.
  [[nodiscard]] bool may_connect(std::string_view account, std::string_view id, std::string_view secret);

  EdgeRecord& add_record(EdgeRecord record);
  [[nodiscard]] EdgeRecord* find_record(std::string_view zone, std::string_view id);
  [[nodiscard]] EdgeRecord* find_host(std::string_view name);
  /// All but the id and the zone.
  static void replace_record(EdgeRecord& existing, EdgeRecord record);
  void delete_record(std::string_view id);
  [[nodiscard]] std::vector<const EdgeRecord*> records() const;

  [[nodiscard]] EdgeRoute route(std::string_view host);

  /// How long connectors are asked to go on with the configuration that they have when they get another one.
  std::chrono::milliseconds apply_late{0};

 private:
  std::string account_;
  std::vector<std::string> zones_;
  std::string reverse_endpoint_;
  std::map<std::string, EdgeTunnel, std::less<>> tunnels_;
  std::map<std::string, EdgeRecord, std::less<>> records_;
};

}  // namespace dd::local
