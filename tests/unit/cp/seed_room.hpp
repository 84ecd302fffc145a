// A control plane with a compat listener, and an agent of the earlier system beside it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "libdd/cp/compat_api.hpp"
#include "tests/unit/cp/vm.hpp"

namespace dd::cp {

inline ControlPlaneOptions with_compat(std::vector<std::string> vms = {"vm-seed=2100-01-01"}) {
  ControlPlaneOptions options;
  options.compat = true;
  options.compat_vms = std::move(vms);
  return options;
}

struct Seed : Room {
  CompatApi compat{context, link};
  net::Router listener = compat.routes();
  Json health = {{"ok", true}, {"service", "agent"}, {"vm_name", "vm-seed"}};
  int tokens_made = 0;

  explicit Seed(ControlPlaneOptions base = with_compat()) : Room(std::move(base)) {}

  std::string token(const Json& claims = Json::object()) {
    auto payload = ita::v1_payload();
    payload["iat"] = payload["nbf"] = clock.unix_seconds();
    payload["exp"] = clock.unix_seconds() + 300;
    payload["jti"] = "token " + std::to_string(++tokens_made);
    payload["tdx_report_data"] = std::string(32, 'c') + std::string(96, '0');
    payload.update(claims);
    return ita::signed_token(ita::kGoodHeader, payload.dump());
  }
  Json body(const Json& changes = Json::object()) {
    Json request = {{"vm_name", "vm-seed"},
                    {"env_label", "test"},
                    {"owner", "octo"},
                    {"ita_token", token()},
                    {"extra_ingress", Json::array({{{"hostname_label", "web"}, {"port", 9000}}})}};
    request.update(changes);
    return request;
  }
  Answer call(const std::string& method, const std::string& path, const Json& sent,
              const std::string& pat = kOwnerPat) {
    return test::ask(io, listener, {method, path, test::bearer(pat), to_text(sent)});
  }
  Answer enrol(const Json& changes = Json::object()) { return call("POST", "/register", body(changes)); }
  std::string enrolled() { return body_of(enrol()).at("agent_id").get<std::string>(); }

  /// From now on its host answers /health with a new token of these claims.
  void answers(const std::string& agent_id, const Json& claims = Json::object()) {
    health["ita_token"] = token(claims);
    agents[agent_id + ".dd.example"] = [this](const HttpRequest& request) {
      CHECK(request.headers.find("DD-Challenge") == nullptr);
      return test::http_answer(200, to_text(health));
    };
  }
};

}  // namespace dd::cp
