// What the fleet's owner asks of the control plane: agents, revocation, invitations, the policy; and the public health view.
#pragma once

#include <chrono>

#include "libdd/cp/context.hpp"
#include "libdd/cp/dropper.hpp"
#include "libdd/cp/people.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::cp {

class FleetApi {
 public:
  FleetApi(Context& context, Dropper& dropper, People& people);
  void add_routes(net::Router& router);

 private:
  net::Task<Result<net::ServerResponse>> health();
  net::Task<Result<net::ServerResponse>> key();
  net::Task<Result<net::ServerResponse>> agents();
  net::Task<Result<net::ServerResponse>> policy();
  net::Task<Result<net::ServerResponse>> revoke(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> invite(const net::ServerRequest& request);

  Context& context_;
  Dropper& dropper_;
  People& people_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace dd::cp
