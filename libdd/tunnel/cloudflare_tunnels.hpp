// The calls under /accounts/{account}/cfd_tunnel.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libdd/tunnel/cloudflare_api.hpp"

namespace dd::tunnel {

/// A tunnel as the API shows it.
struct TunnelState {
  Tunnel tunnel;
  bool deleted = false;
  bool local_config = false;  // would ignore the ingress that we put
};

class TunnelCalls {
 public:
  using TimePoint = Timer::TimePoint;

  explicit TunnelCalls(Api& api) : api_(api) {}

  net::Task<ApiResult<Tunnel>> create(std::string name, TimePoint until);
  net::Task<ApiResult<TunnelState>> get(std::string id, TimePoint until);
  /// Live tunnels of exactly this name: one or none.
  net::Task<ApiResult<std::optional<TunnelState>>> find(std::string name, TimePoint until);
  net::Task<ApiResult<std::vector<Tunnel>>> list(std::string prefix, TimePoint until);
  net::Task<ApiResult<Secret>> run_token(std::string id, TimePoint until);
  net::Task<ApiResult<ConfigVersion>> configure(std::string id, std::vector<IngressRule> rules, TimePoint until);
  net::Task<ApiResult<void>> drop_connections(std::string id, TimePoint until);
  net::Task<ApiResult<void>> remove(std::string id, TimePoint until);

 private:
  [[nodiscard]] std::string path(std::string_view id, std::string_view rest) const;
  net::Task<ApiResult<void>> discard(ApiCall call);

  Api& api_;
};

/// A UUID in lower case: the only thing that may enter a path as a tunnel id.
[[nodiscard]] bool is_tunnel_id(std::string_view id) noexcept;
/// 32 lower-case hex digits: accounts, zones and DNS records.
[[nodiscard]] bool is_object_id(std::string_view id) noexcept;

}  // namespace dd::tunnel
