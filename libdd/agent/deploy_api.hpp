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
  /// What it is when it listens on all its ports, when it is over, or after `timeout`; at once from a runtime that cannot wait.
  net::Task<Result<DeploymentInfo>> until_it_listens(std::string id, std::chrono::milliseconds timeout);
  /// What a deployment that runs still lacks to be public.
  [[nodiscard]] std::string missing_of(const DeploymentInfo& info) const;

  Context& context_;
  Exposer& exposer_;
  bool runtime_waits_ = true;  // as far as is known
  net::Turns turns_;  // per app, until it has come to run
  net::Turn claims_;  // of all: what is free must still be so when the runtime hears of the deployment
};

}  // namespace dd::agent
