// The calls under /zones/{zone}/dns_records, for the CNAMEs that lead to tunnels.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libdd/tunnel/cloudflare_api.hpp"

namespace dd::tunnel {

[[nodiscard]] DnsRecord record_from(const nlohmann::json& value);

class DnsCalls {
 public:
  using TimePoint = Timer::TimePoint;

  explicit DnsCalls(Api& api) : api_(api) {}

  /// Every CNAME that leads to this tunnel: the reliable way to clean up.
  net::Task<ApiResult<std::vector<DnsRecord>>> of_tunnel(std::string tunnel_id, TimePoint until);
  /// The record of that name, of whatever type; nothing when there is none.
  net::Task<ApiResult<std::optional<nlohmann::json>>> find(std::string name, TimePoint until);
  /// Makes `name` a CNAME to the tunnel. A record that is there already is taken over when it leads to the tunnel or carries a comment of our
  /// environment. Errors: conflict when it is somebody else's.
  net::Task<ApiResult<void>> point(std::string name, std::string tunnel_id, std::string tunnel_name, TimePoint until);
  /// Gone already is success.
  net::Task<ApiResult<void>> remove(DnsRecord record, TimePoint until);

  /// `dd env=<env> tunnel=<name>`: at most 95 of the 100 characters that a free zone allows.
  [[nodiscard]] std::string comment_for(std::string_view tunnel_name) const;

 private:
  [[nodiscard]] std::string path_in(const std::string& zone_id) const;
  /// In the zone that has the host of that name.
  [[nodiscard]] std::string path_of(std::string_view name) const;
  net::Task<ApiResult<std::vector<DnsRecord>>> list(std::string path, std::string tunnel_id, TimePoint until);
  [[nodiscard]] bool may_take_over(const nlohmann::json& record, const std::string& target) const;
  net::Task<ApiResult<void>> create(nlohmann::json document, TimePoint until);
  net::Task<ApiResult<void>> take_over(nlohmann::json document, TimePoint until);

  Api& api_;
};

}  // namespace dd::tunnel
