// What agents ask of the control plane with a dd-call+jwt: each about itself, its ingress and its tunnel, and about nobody else.
#pragma once

#include <string>
#include <vector>

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
  struct Caller {
    Caller(net::Turn::Guard held, AgentRecord known) : turn(std::move(held)), record(std::move(known)) {}
    net::Turn::Guard turn;
    AgentRecord record;
  };
  /// After the body, of which the hash is checked: the caller as it is then, its call number used up. Errors also: not_found with reason agent_unknown
  /// when it has gone meanwhile.
  [[nodiscard]] Result<AgentRecord> accept_body(const net::ServerRequest& request) const;
  /// The same once it is its turn. Nothing is done for it before that record is saved.
  net::Task<Result<Caller>> hear(const net::ServerRequest& request);
  /// And saved.
  net::Task<Result<Caller>> admit(const net::ServerRequest& request);
  /// POST /register/check: whether the caller is known.
  net::Task<Result<net::ServerResponse>> check(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> replace_ingress(const net::ServerRequest& request);
  /// Puts what it wants to be public into the record; how that is called. The record stays as it is when it cannot be.
  [[nodiscard]] Result<std::vector<std::string>> take_wish(AgentRecord& record, const std::string& body) const;
  net::Task<void> forget_wish(AgentRecord before);
  /// POST /tunnel/check: a tunnel that is gone at Cloudflare is made anew.
  net::Task<Result<net::ServerResponse>> check_tunnel(const net::ServerRequest& request);
  /// Its run token.
  net::Task<Result<Secret>> make_anew(AgentRecord record);

  Context& context_;
  TunnelLook tunnels_;
};

}  // namespace dd::cp
