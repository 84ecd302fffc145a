// What agents ask of the control plane with a dd-call+jwt: their own ingress and nobody else's.
#pragma once

#include "libdd/cp/context.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::cp {

class AgentCalls {
 public:
  explicit AgentCalls(Context& context) : context_(context) {}
  void add_routes(net::Router& router);

 private:
  /// Before the body: signature, audience, method and path. The principal is the agent_id.
  net::Task<Result<std::string>> authenticate(const net::ServerRequest& request);
  /// After the body: its hash, and the call number is used up.
  net::Task<Result<void>> accept_body(const net::ServerRequest& request);
  /// POST /register/check: whether the caller is known.
  net::Task<Result<net::ServerResponse>> check(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> replace_ingress(const net::ServerRequest& request);

  Context& context_;
};

}  // namespace dd::cp
