// What there is: GET /deployments, GET /deployments/{id}, GET /logs/{app}.
#pragma once

#include <string>

#include "dd/workload.hpp"
#include "libdd/agent/context.hpp"
#include "libdd/agent/exposer.hpp"
#include "libdd/agent/rollouts.hpp"
#include "libdd/net/http_server.hpp"
#include "libdd/protocol/fleet.hpp"

namespace dd::agent {

/// The longest that a call waits for a deployment. Cloudflare gives an answer up after 100 s.
inline constexpr std::chrono::milliseconds kLongestWait{90'000};

/// What the query gives as `wait`: 0 to 90 s. Errors: invalid_argument.
[[nodiscard]] Result<std::chrono::milliseconds> wait_in(const net::ServerRequest& request,
                                                        std::chrono::milliseconds otherwise);

class DeploymentViews {
 public:
  DeploymentViews(Context& context, Exposer& exposer, Rollouts& rollouts)
      : context_(context), exposer_(exposer), rollouts_(rollouts) {}
  void add_routes(net::Router& router);

  /// Once it is settled and, when it is ready, public; or after `wait`. Errors: not_found, and what the runtime says.
  net::Task<Result<protocol::DeployAnswer>> what_became_of(std::string id, std::chrono::milliseconds wait);

 private:
  net::Task<Result<net::ServerResponse>> deployments();
  net::Task<Result<net::ServerResponse>> deployment(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> logs(const net::ServerRequest& request);
  /// Until `rollout` is settled and what it exposes is public; what stands in the way of that, or empty.
  net::Task<std::string> until_public(RolloutPtr rollout, std::chrono::milliseconds wait);
  net::Task<Result<DeploymentInfo>> find_listening(std::string id);
  void add_names(protocol::DeployAnswer& answer, const DeploymentInfo& info) const;

  Context& context_;
  Exposer& exposer_;
  Rollouts& rollouts_;
};

}  // namespace dd::agent
