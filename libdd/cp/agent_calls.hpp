// What agents ask of the control plane with a dd-call+jwt: each about itself, its ingress and its tunnel, and about nobody else.
#pragma once

#include "libdd/cp/context.hpp"
#include "libdd/cp/tunnel_look.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::cp {

class AgentCalls {
 public:
  explicit AgentCalls(Context& context) : context_(context), tunnels_(context) {}
  void add_routes(net::Router& router);

 private:
  /// Before the body: signature, audience, method and path. The principal is the agent_id.
  net::Task<Result<std::string>> authenticate(const net::ServerRequest& request);
  /// After the body: its hash, and the call number is used up.
  net::Task<Result<void>> accept_body(const net::ServerRequest& request);
  struct Caller {
    Caller(net::Turn::Guard held, AgentRecord known) : turn(std::move(held)), record(std::move(known)) {}
    net::Turn::Guard turn;
    AgentRecord record;
  };
  /// The caller as it is once it is its turn and its call is accepted. Errors also: not_found with reason agent_unknown when it has gone meanwhile.
  net::Task<Result<Caller>> admit(const net::ServerRequest& request);
  /// POST /register/check: whether the caller is known.
  net::Task<Result<net::ServerResponse>> check(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> replace_ingress(const net::ServerRequest& request);
  /// POST /tunnel/check: a tunnel that is gone at Cloudflare is made anew.
  net::Task<Result<net::ServerResponse>> check_tunnel(const net::ServerRequest& request);
  /// Its run token.
  net::Task<Result<Secret>> make_anew(AgentRecord record);

  Context& context_;
  TunnelLook tunnels_;
};

}  // namespace dd::cp
