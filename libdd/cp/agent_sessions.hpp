// POST /auth/token and GET /auth/handoff: what a person who is known here shows to one agent.
#pragma once

#include "libdd/cp/people.hpp"

namespace dd::cp {

class AgentSessions {
 public:
  AgentSessions(Context& context, People& people) : context_(context), people_(people) {}
  void add_routes(net::Router& router);

 private:
  net::Task<Result<net::ServerResponse>> token(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> handoff(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> hand_off(const net::ServerRequest& request, Visitor visitor);
  /// Errors: not_found; conflict for an agent in quarantine: nobody vouches for what it is now.
  [[nodiscard]] Result<AgentRecord> open_agent(const std::string& agent_id) const;

  Context& context_;
  People& people_;
};

}  // namespace dd::cp
