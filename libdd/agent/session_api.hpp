// POST /exec, what is open of that kind, and the terminals of workloads (docs/wire.md, 6 and 6.1).
#pragma once

#include "libdd/agent/context.hpp"
#include "libdd/enclave_client/terminal_routes.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::agent {

class SessionApi {
 public:
  explicit SessionApi(Context& context);
  void add_routes(net::Router& router);

 private:
  net::Task<Result<net::ServerResponse>> commands();
  net::Task<Result<net::ServerResponse>> exec(const net::ServerRequest& request);

  Context& context_;
  enclave_client::TerminalRoutes terminals_;
};

}  // namespace dd::agent
