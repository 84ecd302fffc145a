// The owner's calls on deployments, around a runtime and a control plane that live in the test.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "libdd/agent/deploy_api.hpp"
#include "tests/support/check_error.hpp"
#include "tests/unit/agent/room.hpp"

namespace dd::agent {

inline Expose expose_as(const std::string& label, std::uint16_t port,
                        ServiceProtocol protocol = ServiceProtocol::http) {
  return {label, port, protocol};
}

struct Deploying : Room {
  Exposer exposer{context, calls, {}, [] {}};
  DeployApi api{context, exposer};
  net::Router router;

  explicit Deploying(AgentOptions base = {}) : Room(std::move(base)) {
    join();
    cp_publishes();
    api.add_routes(router);
  }
  Result<net::ServerResponse> call(const std::string& method, const std::string& target, std::string body = {}) {
    return ask(router, {method, target, test::bearer(kOwnerPat), std::move(body)});
  }
  /// Asks for logs; `path` is the parameter at fault.
  void check_refused_query(const std::string& query, std::string_view path) {
    const auto answer = call("GET", "/logs/app?" + query);
    test::check_error(answer, ErrorCode::invalid_argument, "");
    CHECK(answer.error().path == path);
  }
  /// Deploys "app" with these; the runtime says `status` of it.
  Result<net::ServerResponse> deploy(const std::vector<Expose>& exposed,
                                     DeploymentStatus status = DeploymentStatus::running) {
    after_deploy = running("app", exposed);
    after_deploy.status = status;
    Json request = {{"app_name", "app"}, {"cmd", {"hello"}}, {"expose", Json::array()}};
    for (const auto& one : exposed) request["expose"].push_back(dd::to_json_value(one));
    return call("POST", "/deploy", to_text(request));
  }
};

inline Json body_of(const Result<net::ServerResponse>& answer) {
  REQUIRE_MESSAGE(answer.has_value(), answer.error().message);
  return parse_json(answer->body).value();
}

}  // namespace dd::agent
