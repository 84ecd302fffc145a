// Puts a request to a router as the server would, without a socket: the route, who asks, then the handler.
#pragma once

#include <string>
#include <utility>

#include "libdd/net/http_server.hpp"
#include "libdd/net/target.hpp"
#include "tests/support/run_task.hpp"

namespace dd::test {

struct RouteCall {
  std::string method = "GET";
  std::string target;
  HttpHeaders headers;
  std::string body;
};

inline HttpHeaders header(std::string name, std::string value) {
  HttpHeaders headers;
  headers.set(std::move(name), std::move(value));
  return headers;
}
inline HttpHeaders bearer(const std::string& token) { return header("Authorization", "Bearer " + token); }

/// An error is what the server would turn into an answer of that status.
inline Result<net::ServerResponse> ask(net::asio::io_context& io, const net::Router& router, RouteCall call) {
  auto target = net::parse_target(call.target);
  if (!target) return tl::unexpected(target.error());
  auto match = router.match(call.method, target->path);
  if (match.route == nullptr) return fail(ErrorCode::not_found, "cannot find a route for " + call.target);
  net::ServerRequest request;
  request.method = std::move(call.method);
  request.target = std::move(call.target);
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  request.params = std::move(match.params);
  request.headers = std::move(call.headers);
  if (match.route->options.authenticate) {
    auto principal = run(io, match.route->options.authenticate(request));
    if (!principal) return tl::unexpected(principal.error());
    request.principal = *std::move(principal);
  }
  if (call.body.size() > match.route->options.max_body)
    return fail(ErrorCode::too_large, "cannot read the body: too large");
  request.body = std::move(call.body);
  return run(io, match.route->handler(request));
}

}  // namespace dd::test
