// POST /exec, POST /session/{app}/ticket and the terminal GET /ws/session/{app} (docs/wire.md, 6 and 6.1).
#pragma once

#include "libdd/agent/context.hpp"
#include "libdd/agent/tickets.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::agent {

class SessionApi {
 public:
  explicit SessionApi(Context& context) : context_(context), tickets_(context.clock, context.random) {}
  void add_routes(net::Router& router);

 private:
  net::Task<Result<net::ServerResponse>> exec(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> ticket(const net::ServerRequest& request);
  /// A ticket in the query goes before whatever else `otherwise` accepts, of which a cookie alone is not enough: any page makes a browser send it.
  net::Task<Result<std::string>> admit(const net::ServerRequest& request, net::Authenticate otherwise);
  net::Task<void> talk(std::shared_ptr<net::WebSocket> socket, const net::ServerRequest& request);

  Context& context_;
  Tickets tickets_;
};

}  // namespace dd::agent
