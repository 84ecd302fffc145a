// POST /deploy; POST /deployments/{app}/restart, /rollback and /stop; DELETE /deployments/{app}; and what there is (deployment_views.hpp).
#pragma once

#include <cstdint>
#include <set>

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
  /// Goes on with what an agent before this one had begun.
  net::Task<void> adopt() { return rollouts_.adopt(); }

 private:
  net::Task<Result<net::ServerResponse>> deploy(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> restart(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> rollback(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> stop(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> mop(const net::ServerRequest& request);

  enum class Again { restart, rollback };
  net::Task<Result<net::ServerResponse>> again(const net::ServerRequest& request, Again what);
  net::Task<Result<RolloutPtr>> start_again(std::string app_name, Again what);
  [[nodiscard]] Result<DeploymentInfo> one_to_go_back_to(const std::vector<DeploymentInfo>& all,
                                                         const DeploymentInfo& current) const;
  [[nodiscard]] static Result<DeploymentInfo> one_to_restart(const std::vector<DeploymentInfo>& all,
                                                             const DeploymentInfo& current);
  /// Every live deployment of the app, and its hostnames.
  net::Task<Result<net::ServerResponse>> end(const net::ServerRequest& request, std::string verb);
  net::Task<Result<net::ServerResponse>> answer_for(RolloutPtr rollout, std::chrono::milliseconds wait);
  /// What the runtime has given that id.
  Result<RolloutPtr> begin(Rollout next, Result<std::string> id);
  /// Hands it to the runtime when nobody holds what it asks for.
  net::Task<Result<RolloutPtr>> start(DeployRequest wanted);
  /// The same once more with other ports, in place of a try that has not got them.
  net::Task<Result<std::string>> start_elsewhere(DeployRequest wanted, std::string instead_of);
  struct Neighbours {
    std::string running;  // the id of what runs of the app itself, or empty
    std::set<std::uint16_t> live_ports;  // of everything that lives
  };
  /// Reserved names, labels and ports that others hold.
  net::Task<Result<Neighbours>> check_free(DeployRequest wanted);
  [[nodiscard]] Result<DeployRequest> with_ports(DeployRequest wanted, const Neighbours& neighbours) const;

  Context& context_;
  Exposer& exposer_;
  Rollouts rollouts_;
  DeploymentViews views_;
  net::Turn claims_;  // of all: what is free must still be so when the runtime hears of the deployment
};

}  // namespace dd::agent
