// The control plane's own VM, when its boot workload may use the runtime (`inherit_token`): its workloads with their logs, and a terminal
// (docs/wire.md, 13.1).
#pragma once

#include "libdd/cp/people.hpp"
#include "libdd/enclave_client/terminal_routes.hpp"

namespace dd::cp {

class OwnVm {
 public:
  OwnVm(Context& context, People& people);
  void add_routes(net::Router& router);

 private:
  net::Task<Result<net::ServerResponse>> home(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> log_page(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> terminal(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> deployments();
  net::Task<Result<net::ServerResponse>> log(const net::ServerRequest& request);
  [[nodiscard]] bool is_simulated() const { return context_.attestation_type != "tdx"; }

  Context& context_;
  People& people_;
  enclave_client::EnclaveClient runtime_;
  enclave_client::TerminalRoutes terminals_;
};

}  // namespace dd::cp
