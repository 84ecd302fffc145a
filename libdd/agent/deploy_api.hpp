// POST /deploy, DELETE /deployments/{app}, and what there is (deployment_views.hpp).
#pragma once

#include "dd/workload.hpp"
#include "libdd/agent/context.hpp"
#include "libdd/agent/deployment_views.hpp"
#include "libdd/agent/exposer.hpp"
#include "libdd/agent/rollouts.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::agent {

class DeployApi {
 public:
  DeployApi(Context& context, Exposer& exposer)
      : context_(context),
        exposer_(exposer),
        rollouts_(context, exposer),
        views_(context, exposer, rollouts_),
        claims_(context.executor) {}
  void add_routes(net::Router& router);

 private:
  net::Task<Result<net::ServerResponse>> deploy(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> mop(const net::ServerRequest& request);

  /// Hands it to the runtime when nobody holds what it asks for.
  net::Task<Result<RolloutPtr>> start(DeployRequest wanted);
  /// Reserved names, labels and ports that others hold. The id of what runs of the app now, or empty.
  net::Task<Result<std::string>> check_free(DeployRequest wanted);

  Context& context_;
  Exposer& exposer_;
  Rollouts rollouts_;
  DeploymentViews views_;
  net::Turn claims_;  // of all: what is free must still be so when the runtime hears of the deployment
};

}  // namespace dd::agent
