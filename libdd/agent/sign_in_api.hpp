// POST /auth/handoff and /auth/logout: how somebody who is signed in at the control plane gets into this agent's pages, and out again.
#pragma once

#include "libdd/agent/visitor.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::agent {

class SignInApi {
 public:
  explicit SignInApi(Context& context) : context_(context) {}
  void add_routes(net::Router& router);

  /// The answer to a page's visitor whom who() did not let in: a stranger goes to the control plane, which hands him back to this browser alone;
  /// others are told why.
  [[nodiscard]] net::ServerResponse turn_away(const net::ServerRequest& request, const Error& why);

 private:
  net::Task<Result<net::ServerResponse>> handoff(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> accept(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> logout(const net::ServerRequest& request);
  /// Who is handed over, checked for this agent, this browser and the first use.
  [[nodiscard]] Result<protocol::HandoffClaims> claims_in(const net::ServerRequest& request,
                                                          std::string_view statement);
  [[nodiscard]] Result<net::ServerResponse> detour(const net::ServerRequest& request);

  Context& context_;
  identity::SpentIds spent_{4096};
};

}  // namespace dd::agent
