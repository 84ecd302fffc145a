// POST /tunnel/check: who gets a new tunnel, and how often Cloudflare is looked at for that.
#include <doctest/doctest.h>

#include "libdd/crypto/hpke.hpp"
#include "tests/support/check_error.hpp"
#include "tests/unit/cp/caller.hpp"

using namespace dd;
using namespace dd::cp;
using namespace dd::test;

namespace {

struct Checking : Caller {
  using Caller::Caller;
  Answer check() { return call_at("/tunnel/check", "{}"); }
  void delete_tunnel() { tunnels.names.erase(vm.agent_id); }
  /// How often the control plane asked that.
  [[nodiscard]] auto asked(const std::string& what) const { return std::ranges::count(tunnels.calls, what); }
  [[nodiscard]] std::string opened(const Json& answer) const {
    const auto sealed = from_base64url(answer.at("tunnel_token_sealed").get<std::string>()).value();
    const auto token = crypto::hpke_open(vm.sealing, as_bytes(kRegisterTag), as_bytes(vm.agent_id), sealed);
    return std::string(as_text(token.value()));
  }
};

}  // namespace

TEST_CASE("a tunnel that is there stays as it is, and one look answers for a while") {
  Checking f;
  f.tunnels.calls.clear();
  for (int i = 0; i < 5; ++i) {
    const auto answer = body_of(f.check());
    CHECK(answer.at("agent_id") == f.vm.agent_id);
    CHECK_FALSE(answer.contains("tunnel_token_sealed"));
  }
  CHECK(f.tunnels.calls == std::vector<std::string>{"list"});
}

TEST_CASE("two hundred agents that ask at once cause one look") {
  Checking f;
  std::vector<std::unique_ptr<Vm>> vms;
  std::vector<RouteCall> calls;
  for (int i = 0; i < 200; ++i) {
    vms.push_back(std::make_unique<Vm>(f, "vm-at-once-" + std::to_string(i)));
    vms.back()->join();
    calls.push_back(f.call_of(*vms.back(), "/tunnel/check", "{}"));
  }
  f.tunnels.calls.clear();
  CHECK(granted_of(f.io, f.router, std::move(calls)) == 200);
  CHECK(f.tunnels.calls == std::vector<std::string>{"list"});
}

TEST_CASE("a tunnel that was deleted is made anew, with its rules and names and a token for this agent alone") {
  Checking f;
  REQUIRE(f.call(f.body(Caller::web())).has_value());
  const auto hosts = f.tunnels.dns.at(f.vm.agent_id);
  f.delete_tunnel();
  f.tunnels.rules.clear();
  f.tunnels.dns.clear();
  CHECK(f.opened(body_of(f.check())) == "token of " + f.vm.agent_id);
  CHECK(f.tunnels.names.contains(f.vm.agent_id));
  CHECK(f.tunnels.routed(f.vm.agent_id).size() == 2);
  CHECK(f.tunnels.dns.at(f.vm.agent_id) == hosts);
  CHECK(f.run(f.store.journal()).value().empty());
  CHECK(f.kept(f.vm.agent_id).extras.size() == 1);
  // The answer may have been lost: until the agent has been polled through that tunnel it gets the token again.
  f.tunnels.calls.clear();
  CHECK(f.opened(body_of(f.check())) == "token of " + f.vm.agent_id);
  CHECK(f.tunnels.calls == std::vector<std::string>{"list", "run_token"});
  f.run(f.poller.round());
  f.tunnels.calls.clear();
  CHECK_FALSE(body_of(f.check()).contains("tunnel_token_sealed"));
  CHECK(f.tunnels.calls.empty());
}

TEST_CASE("what a list leaves out is gone only when Cloudflare says so of that very tunnel") {
  Checking f;
  f.tunnels.unlisted.insert(f.vm.agent_id);
  f.tunnels.calls.clear();
  CHECK_FALSE(body_of(f.check()).contains("tunnel_token_sealed"));
  CHECK(f.tunnels.calls == std::vector<std::string>{"list", "is_gone"});
  f.tunnels.failing = {"is_gone"};
  check_error(f.check(), ErrorCode::unavailable);
  CHECK(f.asked("ensure") == 0);
}

TEST_CASE("a Cloudflare that does not answer changes nothing, and is not asked again at once") {
  Checking f;
  f.delete_tunnel();
  f.tunnels.calls.clear();
  f.tunnels.failing = {"list"};
  for (int i = 0; i < 3; ++i) check_error(f.check(), ErrorCode::unavailable, "", "cannot look for the tunnel");
  CHECK(f.tunnels.calls == std::vector<std::string>{"list"});
}

TEST_CASE("a tunnel that could not be made wholly is finished by the next question") {
  Checking f;
  f.delete_tunnel();
  for (const std::string step : {"ensure", "put_ingress", "put_dns", "run_token"}) {
    CAPTURE(step);
    f.tunnels.failing = {step};
    check_error(f.check(), ErrorCode::unavailable, "", "cannot make the tunnel anew");
    f.delete_tunnel();
  }
  f.tunnels.failing.clear();
  CHECK(body_of(f.check()).contains("tunnel_token_sealed"));
}

TEST_CASE("a quarantined agent gets a tunnel back, without its workloads, and one that is gone or revoked none") {
  Checking f;
  REQUIRE(f.call(f.body(Caller::web())).has_value());
  f.must(f.dropper.quarantine(f.kept(f.vm.agent_id), "silent"));
  f.delete_tunnel();
  CHECK(body_of(f.check()).contains("tunnel_token_sealed"));
  CHECK(f.tunnels.routed(f.vm.agent_id) == std::vector<std::string>{f.vm.hostname});
  CHECK(f.kept(f.vm.agent_id).status == AgentStatus::quarantined);
  CHECK(f.kept(f.vm.agent_id).extras.size() == 1);

  f.delete_tunnel();
  for (const auto status : {AgentStatus::dropping, AgentStatus::dropped}) {
    f.become(status);
    check_error(f.check(), ErrorCode::not_found, "agent_unknown");
  }
  f.must(f.store.deny(f.vm.signing.public_key().kid(), "lost"));
  check_error(f.check(), ErrorCode::permission_denied, "revoked");
  CHECK_FALSE(f.tunnels.names.contains(f.vm.agent_id));
}
