// Puts a request to a router as the server would, without a socket: the route, who asks, then the handler.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "libdd/net/client.hpp"
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

/// An error is what the server would turn into an answer of that status. `router` outlives it.
inline net::Task<Result<net::ServerResponse>> answer_of(const net::Router& router, RouteCall call) {
  auto target = net::parse_target(call.target);
  if (!target) co_return tl::unexpected(target.error());
  auto match = router.match(call.method, target->path);
  if (match.route == nullptr) co_return fail(ErrorCode::not_found, "cannot find a route for " + call.target);
  net::ServerRequest request;
  request.method = std::move(call.method);
  request.target = std::move(call.target);
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  request.params = std::move(match.params);
  request.headers = std::move(call.headers);
  request.client = net::client_of({}, request.headers);
  if (match.route->options.authenticate) {
    auto principal = co_await match.route->options.authenticate(request);
    if (!principal) co_return tl::unexpected(principal.error());
    request.principal = *std::move(principal);
  }
  if (call.body.size() > match.route->options.max_body)
    co_return fail(ErrorCode::too_large, "cannot read the body: too large");
  request.body = std::move(call.body);
  co_return co_await match.route->handler(request);
}

inline Result<net::ServerResponse> ask(net::asio::io_context& io, const net::Router& router, RouteCall call) {
  return run(io, answer_of(router, std::move(call)));
}

/// Puts all of them before any is answered; how many were answered without an error.
inline std::size_t granted_of(net::asio::io_context& io, const net::Router& router, std::vector<RouteCall> calls,
                              std::vector<Error>* refusals = nullptr) {
  std::vector<std::shared_ptr<Started<Result<net::ServerResponse>>>> started;
  for (auto& call : calls) started.push_back(start(io, answer_of(router, std::move(call))));
  io.restart();
  const auto is_over = [](const auto& one) { return one->result.has_value(); };
  while (!std::ranges::all_of(started, is_over) && io.run_one() > 0) {
  }
  std::size_t granted = 0;
  for (const auto& one : started) {
    if (one->failure) std::rethrow_exception(one->failure);
    const auto& answer = one->result.value();
    if (answer) ++granted;
    if (!answer && refusals) refusals->push_back(answer.error());
  }
  return granted;
}

}  // namespace dd::test
