// POST /deploy, GET /deployments, GET /logs/{app}, DELETE /deployments/{app}.
#pragma once

#include "dd/workload.hpp"
#include "libdd/agent/context.hpp"
#include "libdd/agent/exposer.hpp"
#include "libdd/net/http_server.hpp"
#include "libdd/protocol/fleet.hpp"

namespace dd::agent {

class DeployApi {
 public:
  DeployApi(Context& context, Exposer& exposer)
      : context_(context), exposer_(exposer), turns_(context.executor), claims_(context.executor) {}
  void add_routes(net::Router& router);

 private:
  net::Task<Result<net::ServerResponse>> deploy(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> deployments();
  net::Task<Result<net::ServerResponse>> logs(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> mop(const net::ServerRequest& request);

  /// Hands it to the runtime when nobody holds what it asks for; its id.
  net::Task<Result<std::string>> claim(DeployRequest wanted);
  /// Reserved names, labels and ports that others hold.
  net::Task<Result<void>> check_free(DeployRequest wanted);
  /// Until the deployment runs and its ports are public, or it ended, or the wait is over.
  net::Task<Result<protocol::DeployAnswer>> follow(DeployRequest wanted, std::string id);
  net::Task<Result<DeploymentInfo>> find_id(std::string id);

  Context& context_;
  Exposer& exposer_;
  net::Turns turns_;  // per app, until it has come to run
  net::Turn claims_;  // of all: what is free must still be so when the runtime hears of the deployment
};

}  // namespace dd::agent
