// GET /, GET /workload/{id} and GET /session/{app}: this VM's workloads for a person who is signed in, one of them with its log, and a terminal.
#pragma once

#include "libdd/agent/exposer.hpp"
#include "libdd/agent/sign_in_api.hpp"
#include "libdd/web/workload_page.hpp"

namespace dd::agent {

class Pages {
 public:
  Pages(Context& context, Exposer& exposer, SignInApi& sign_ins)
      : context_(context), exposer_(exposer), sign_ins_(sign_ins) {}
  void add_routes(net::Router& router);

 private:
  net::Task<Result<net::ServerResponse>> home(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> workload(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> workload_logs(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> terminal(const net::ServerRequest& request);
  [[nodiscard]] web::WorkloadRow row_of(const DeploymentInfo& info) const;
  net::Task<Result<DeploymentInfo>> find(std::string id);
  [[nodiscard]] bool is_simulated() const { return context_.state.keys.attestation_type == "tdx-simulated"; }

  Context& context_;
  Exposer& exposer_;
  SignInApi& sign_ins_;
};

}  // namespace dd::agent
