// CNAME records of tunnels: made, corrected and deleted only where they are ours. Private to libdd/tunnel.
#pragma once

#include <string>
#include <vector>

#include "libdd/tunnel/api.hpp"

namespace dd::tunnel {

/// Use on one io thread.
class Dns {
 public:
  Dns(Api& api, const CloudflareOptions& options) : api_(api), options_(options) {}

  /// Exactly these hosts point at the tunnel; other records of the tunnel go.
  net::Task<Result<void>> put(std::string tunnel_id, std::string tunnel_name, std::vector<std::string> hostnames);
  /// Deletes every record that points at the tunnel.
  net::Task<Result<void>> remove_all(std::string tunnel_id);

 private:
  net::Task<Result<std::vector<DnsRecord>>> pointing_at(std::string tunnel_id);
  net::Task<Result<void>> create(std::string tunnel_id, std::string tunnel_name, std::string hostname);
  /// A record with that host exists: take it over if it is ours, else it is a conflict.
  net::Task<Result<void>> take_over(std::string tunnel_id, std::string tunnel_name, std::string hostname);
  net::Task<Result<void>> remove(DnsRecord record);
  [[nodiscard]] nlohmann::json record_for(const std::string& tunnel_id, const std::string& tunnel_name, const std::string& hostname) const;
  [[nodiscard]] std::string path() const;

  Api& api_;
  const CloudflareOptions& options_;
};

}  // namespace dd::tunnel
