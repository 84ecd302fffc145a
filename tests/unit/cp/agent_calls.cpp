// POST /ingress/replace: what the trust rows do not reach. Who may call is proven in tests/integration/trust/live_rows.cpp.
#include "libdd/cp/agent_calls.hpp"

#include <doctest/doctest.h>

#include "tests/support/check_error.hpp"
#include "tests/unit/cp/caller.hpp"

using namespace dd;
using namespace dd::cp;
using namespace dd::test;

TEST_CASE("the list that an agent sends replaces the one before") {
  Caller f;
  const auto hosts = body_of(f.call(f.body(Caller::web()))).at("extra_hostnames");
  CHECK(hosts == Json::array({"web." + f.vm.hostname}));
  CHECK(f.tunnels.routed(f.vm.agent_id).size() == 2);
  CHECK(f.kept(f.vm.agent_id).extras.size() == 1);
  const auto second = body_of(f.call(f.body(Json::array())));
  CHECK(second.at("extra_hostnames").empty());
  CHECK(second.at("config_version") == f.tunnels.versions.at(f.vm.agent_id));
  CHECK(f.tunnels.routed(f.vm.agent_id) == std::vector<std::string>{f.vm.hostname});
}

TEST_CASE("a call signed for another method, body, audience or time is refused") {
  using Claims = protocol::CallClaims;
  const std::function<void(Claims&)> bends[] = {
      [](Claims& c) { c.method = "PUT"; }, [](Claims& c) { c.path += "?a=b"; },
      [](Claims& c) { c.body_sha256[0] ^= std::byte{1}; }, [](Claims& c) { c.audience = "https://evil.example"; },
      [](Claims& c) { c.issued_at += 61; }};
  for (const auto& bend : bends) {
    Caller f;
    check_error(f.call(f.body(Caller::web()), bend), ErrorCode::unauthenticated, "signature_invalid");
    CHECK(f.kept(f.vm.agent_id).extras.empty());
  }
}

TEST_CASE("a call without a statement, or with something that is none, is refused") {
  Caller f;
  check_error(f.ask("POST", "/ingress/replace", {}, "{}"), ErrorCode::unauthenticated);
  HttpHeaders headers;
  headers.set(protocol::kCallHeader, "a.b.c");
  HttpHeaders empty;
  empty.set(protocol::kCallHeader, crypto::sign_jws(f.vm.signing, crypto::kCallTyp, Json::object()));
  check_error(f.ask("POST", "/ingress/replace", std::move(empty), "{}"), ErrorCode::unauthenticated,
              "signature_invalid");
  check_error(f.ask("POST", "/ingress/replace", std::move(headers), "{}"), ErrorCode::unauthenticated,
              "signature_invalid");
}

TEST_CASE("a quarantined agent's wish is kept, and published when it is taken back") {
  Caller f;
  f.must(f.dropper.quarantine(f.kept(f.vm.agent_id), "silent"));
  CHECK_FALSE(body_of(f.call(f.body(Caller::web()))).contains("config_version"));
  CHECK(f.tunnels.routed(f.vm.agent_id) == std::vector<std::string>{f.vm.hostname});
  f.run(f.poller.round());
  CHECK(f.tunnels.routed(f.vm.agent_id).size() == 2);
}

TEST_CASE("an agent that is gone is told to register again, a revoked one that it is revoked") {
  Caller f;
  for (const auto status : {AgentStatus::dropping, AgentStatus::dropped}) {
    f.become(status);
    check_error(f.call(f.body(Caller::web())), ErrorCode::not_found, "agent_unknown");
  }
  f.must(f.store.deny(f.vm.signing.public_key().kid(), "lost"));
  check_error(f.call(f.body(Caller::web())), ErrorCode::permission_denied, "revoked");
}

TEST_CASE("a key that was revoked as another agent may do nothing as this one either, and its next poll drops it") {
  Caller f;
  f.must(f.store.deny(f.vm.signing.public_key().kid(), "lost"));
  f.tunnels.calls.clear();
  check_error(f.call(f.body(Caller::web())), ErrorCode::permission_denied, "revoked");
  CHECK(f.tunnels.calls.empty());
  f.run(f.poller.round());
  CHECK(f.vm.polls == 0);
  CHECK(f.kept(f.vm.agent_id).status == AgentStatus::dropped);
  CHECK_FALSE(f.tunnels.names.contains(f.vm.agent_id));
}

TEST_CASE("an agent asks whether it is known, with a number that it uses up") {
  Caller f;
  const auto ask = [&f] { return f.call_at("/register/check", "{}"); };
  CHECK(body_of(ask()).at("agent_id") == f.vm.agent_id);
  CHECK(body_of(ask()).at("status") == "healthy");
  --f.vm.seq;
  check_error(ask(), ErrorCode::unauthenticated, "replayed");
  f.become(AgentStatus::quarantined);
  CHECK(body_of(ask()).at("status") == "quarantined");
  f.become(AgentStatus::dropped);
  check_error(ask(), ErrorCode::not_found, "agent_unknown");
}

TEST_CASE("an agent that never was is told to register") {
  Caller f;
  check_error(f.call(f.body(Caller::web()), [](protocol::CallClaims& c) { c.issuer = "dd-test-agent-9"; }),
              ErrorCode::not_found, "agent_unknown");
}

TEST_CASE("a list that cannot be published is not kept") {
  for (const std::string step : {"put_ingress", "put_dns"}) {
    CAPTURE(step);
    Caller f;
    f.tunnels.failing = {step};
    check_error(f.call(f.body(Caller::web())), ErrorCode::unavailable);
    CHECK(f.kept(f.vm.agent_id).extras.empty());
  }
}

TEST_CASE("what is public keeps its DNS records while the ingress cannot be changed") {
  Caller f;
  REQUIRE(f.call(f.body(Caller::web())).has_value());
  const auto before = f.tunnels.dns.at(f.vm.agent_id);
  f.tunnels.failing = {"put_ingress"};
  check_error(f.call(f.body(Json::array())), ErrorCode::unavailable);
  CHECK(f.tunnels.dns.at(f.vm.agent_id) == before);
  f.tunnels.failing = {};
  REQUIRE(f.call(f.body(Json::array())).has_value());
  CHECK(f.tunnels.dns.at(f.vm.agent_id) == std::vector<std::string>{f.vm.hostname});
}

TEST_CASE("an agent may not speak for another one") {
  Caller f;
  Vm other(f, "vm-2");
  other.join();
  const auto text = to_text(Json{{"agent_id", other.agent_id}, {"extras", Caller::web()}});
  check_error(f.call(text), ErrorCode::permission_denied);
  CHECK(f.kept(other.agent_id).extras.empty());
}

TEST_CASE("of two calls with one number that come at the same time one is carried out") {
  Caller f;
  const auto text = f.body(Caller::web());
  const protocol::CallClaims claims{kOrigin, f.vm.agent_id,      f.clock.unix_seconds(),
                                    "POST",  "/ingress/replace", crypto::sha256(as_bytes(text)),
                                    f.vm.seq};
  const auto statement = crypto::sign_jws(f.vm.signing, crypto::kCallTyp, protocol::to_json_value(claims));
  std::vector<RouteCall> calls(8, {"POST", "/ingress/replace", header(protocol::kCallHeader, statement), text});
  std::vector<Error> refusals;
  CHECK(granted_of(f.io, f.router, std::move(calls), &refusals) == 1);
  for (const auto& error : refusals) CHECK(error.reason == "replayed");
}

TEST_CASE("a call number is spent by a call that was refused for its content") {
  Caller f;
  check_error(f.call("{}"), ErrorCode::malformed);
  --f.vm.seq;
  check_error(f.call(f.body(Caller::web())), ErrorCode::unauthenticated, "replayed");
}

TEST_CASE("a call whose number cannot be written down is not carried out") {
  Caller f;
  f.registry->read_only = Error{ErrorCode::unavailable, "cannot write the registry: disk full", {}, {}};
  f.tunnels.calls.clear();
  check_error(f.call(f.body(Caller::web())), ErrorCode::unavailable);
  CHECK(f.tunnels.calls.empty());
}

TEST_CASE("a list and the number of its call cost one write, ahead of what Cloudflare is told") {
  Caller f;
  f.registry->writes = 0;
  std::size_t written_before = 0;
  f.tunnels.before_put = [&]() -> net::Task<void> {
    written_before = f.registry->writes;
    co_return;
  };
  CHECK(f.call(f.body(Caller::web())).has_value());
  CHECK(written_before == 1);
  CHECK(f.registry->writes == 1);
}
