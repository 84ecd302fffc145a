// An agent that has registered and calls the control plane.
#pragma once

#include <functional>
#include <string>

#include "tests/unit/cp/vm.hpp"

namespace dd::cp {

struct Caller : Room {
  Vm vm{*this};

  Caller() { vm.join(); }
  std::string body(const Json& extras) const { return to_text(Json{{"agent_id", vm.agent_id}, {"extras", extras}}); }
  static Json web() { return Json::array({{{"hostname_label", "web"}, {"port", 8000}}}); }

  Answer call(const std::string& text, const std::function<void(protocol::CallClaims&)>& bend = {}) {
    return call_at("/ingress/replace", text, bend);
  }
  Answer call_at(const std::string& path, const std::string& text,
                 const std::function<void(protocol::CallClaims&)>& bend = {}) {
    return test::ask(io, router, call_of(vm, path, text, bend));
  }
  /// Signed by that VM; its next call has the next number.
  test::RouteCall call_of(Vm& by, const std::string& path, const std::string& text,
                          const std::function<void(protocol::CallClaims&)>& bend = {}) {
    protocol::CallClaims claims{
        kOrigin, by.agent_id, clock.unix_seconds(), "POST", path, crypto::sha256(as_bytes(text)), by.seq++};
    if (bend) bend(claims);
    HttpHeaders headers;
    headers.set(protocol::kCallHeader, crypto::sign_jws(by.signing, crypto::kCallTyp, protocol::to_json_value(claims)));
    return {"POST", path, std::move(headers), text};
  }
  void become(AgentStatus status) {
    auto record = kept(vm.agent_id);
    record.status = status;
    must(store.save(record));
  }
};

}  // namespace dd::cp
