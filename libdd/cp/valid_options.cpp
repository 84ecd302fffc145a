#include "libdd/cp/valid_options.hpp"

#include "libdd/core/config_values.hpp"
#include "libdd/cp/compat_adoption.hpp"
#include "libdd/cp/compat_vms.hpp"
#include "libdd/identity/owner_config.hpp"
#include "libdd/net/url.hpp"
#include "libdd/tunnel/cloudflare.hpp"

namespace dd::cp {
namespace {

Result<void> check_times(const ControlPlaneOptions& options) {
  using namespace std::chrono_literals;
  return config_values::check_durations({{"DD_SCRAPE_INTERVAL", options.poll_interval, 10ms},
                                         {"DD_POLL_TIMEOUT", options.poll_timeout, 10ms},
                                         {"DD_REFRESH_INTERVAL", options.refresh_interval, 10ms},
                                         {"DD_TOKEN_LEEWAY", options.token_leeway, 0ms},
                                         {"DD_DELETE_AFTER", options.delete_after},
                                         {"DD_TUNNEL_CHECK_AFTER", options.tunnel_check_after, 10ms},
                                         {"DD_RENEW_FOR", options.renew_for, 0ms},
                                         {"DD_SESSION_LIFE", options.session_life, 1s},
                                         {"DD_STOP_GRACE", options.stop_grace, 0ms}});
}

Result<void> check_workload_domain(const ControlPlaneOptions& options) {
  const auto refuse = [](const std::string& why) {
    return fail(ErrorCode::invalid_argument, "cannot use DD_WORKLOAD_DOMAIN: " + why);
  };
  if (options.workload_domain.empty() != options.workload_zone_id.empty())
    return refuse("it and DD_WORKLOAD_ZONE_ID go together");
  if (options.workload_domain.empty()) return {};
  if (tunnel::is_below(options.workload_domain, options.domain) ||
      tunnel::is_below(options.domain, options.workload_domain))
    return refuse("it shares cookies with DD_CF_DOMAIN " + options.domain + ", want another registrable domain");
  if (!extra_hostname("a", "a." + options.workload_domain, options.ingress_style)) return refuse("it is no domain");
  return {};
}

}  // namespace

Result<void> make_valid(ControlPlaneOptions& options) {
  const auto refuse = [](const char* what) { return fail(ErrorCode::invalid_argument, what); };
  if (!valid_env_label(options.env))
    return refuse("cannot use DD_ENV: want 1 to 17 lower-case letters, digits and inner hyphens");
  if (auto good = identity::check_owner(options.owner); !good) return good;
  if (options.hostname.empty()) return refuse("cannot use DD_HOSTNAME: it is empty");
  if (options.domain.empty()) return refuse("cannot use DD_CF_DOMAIN: it is empty");
  if (auto good = check_workload_domain(options); !good) return good;
  if (auto good = check_compat_vms(options.compat_vms); !good) return good;
  if (auto good = adopted_tunnels(options.compat_tunnels, options.env); !good) return tl::unexpected(good.error());
  if (options.origin.empty()) options.origin = "https://" + options.hostname;
  auto origin = net::parse_url(options.origin);
  if (!origin) return wrap(origin.error(), "cannot use DD_CP_ORIGIN");
  options.origin = origin->origin();
  if (options.github_client_id.empty() != options.github_client_secret.empty())
    return refuse("cannot use DD_GITHUB_CLIENT_ID: it and DD_GITHUB_CLIENT_SECRET go together");
  if (auto good = check_times(options); !good) return good;
#ifndef DD_SIMULATION
  if (options.accept_simulated)
    return fail(ErrorCode::unsupported, "cannot accept simulated evidence: this build has no -Dsimulation=true");
#endif
  return {};
}

}  // namespace dd::cp
