// A control plane's pieces around a registry, a Cloudflare, a GitHub and a fleet of agents that live in the test.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/cp/agent_calls.hpp"
#include "libdd/cp/agent_link.hpp"
#include "libdd/cp/dropper.hpp"
#include "libdd/cp/fleet_api.hpp"
#include "libdd/cp/people.hpp"
#include "libdd/cp/poller.hpp"
#include "libdd/cp/registrar.hpp"
#include "tests/support/ask_route.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/scripted_transport.hpp"
#include "tests/unit/cp/fake_tunnels.hpp"
#include "tests/unit/cp/memory_registry.hpp"
#include "tests/unit/identity/fake_github.hpp"
#include "tests/unit/ita/issuer_fixture.hpp"

namespace dd::cp {

inline const std::string kOrigin = "https://app.dd.example";
inline const std::string kOwnerPat = "ghp_owner";
inline const std::string kStrangerPat = "ghp_stranger";

/// What a route answered: the body of an error is its Error.
using Answer = Result<net::ServerResponse>;
inline Json body_of(const Answer& answer) { return parse_json(answer.value().body).value(); }

struct Room {
  explicit Room(ControlPlaneOptions base = {},
                std::shared_ptr<MemoryRegistry> rows = std::make_shared<MemoryRegistry>())
      : options(with_defaults(std::move(base))), registry(std::move(rows)) {
    github.user(kOwnerPat, options.owner.login, static_cast<int>(options.owner.id));
    github.user(kStrangerPat, "stranger", 43);
    must(store.load());
    registrar.add_routes(router);
    calls.add_routes(router);
    api.add_routes(router);
  }

  static ControlPlaneOptions with_defaults(ControlPlaneOptions options) {
    options.env = "test";
    options.owner = {"octo", 42, OwnerKind::user};
    options.hostname = "app.dd.example";
    options.domain = "dd.example";
    return options;
  }

  template <class T>
  T run(net::Task<T> task) {
    return test::run(io, std::move(task));
  }
  void run(net::Task<void> task) {
    auto ended = [](net::Task<void> work) -> net::Task<bool> {
      co_await std::move(work);
      co_return true;
    };
    test::run(io, ended(std::move(task)));
  }

  /// For steps that lead to the test's own.
  void must(net::Task<Result<void>> task) {
    if (const auto done = run(std::move(task)); !done) throw std::runtime_error(done.error().message);
  }

  Answer ask(const std::string& method, const std::string& target, HttpHeaders headers = {}, std::string body = {}) {
    return test::ask(io, router, {method, target, std::move(headers), std::move(body)});
  }
  Answer as_owner(const std::string& method, const std::string& target, std::string body = {}) {
    return ask(method, target, test::bearer(kOwnerPat), std::move(body));
  }

  /// The record as it is kept, not as it is remembered.
  [[nodiscard]] AgentRecord kept(const std::string& agent_id) const {
    return agent_record_from(parse_json(registry->tables.at("agents").at(agent_id)).value()).value();
  }

  Result<HttpResponse> carry(const HttpRequest& request) {
    if (request.url.starts_with(identity::kApi)) return github(request);
    if (request.url.starts_with(options.ita_jwks_url)) return issuer.certs();
    for (const auto& [hostname, agent] : agents)
      if (request.url.starts_with("https://" + hostname + "/")) return agent(request);
    return fail(ErrorCode::unavailable, "cannot connect: nobody is there");
  }

  /// Of a control plane that has these keys. The members below, up to `capability`, are there by then.
  Context context_with(enclave_client::Capability& own) {
    return {options,
            kOrigin,
            io.get_executor(),
            readers,
            clock,
            system_random(),
            *transport,
            policy,
            store,
            turns,
            nonces,
            provisioner,
            tokens,
            owners,
            own,
            run(own.keys()).value().signing};
  }

  net::asio::io_context io;
  net::asio::thread_pool pool{1};
  net::asio::thread_pool readers{1};
  ManualClock clock{Clock::TimePoint(std::chrono::seconds(ita::kNow))};
  ControlPlaneOptions options;
  std::shared_ptr<MemoryRegistry> registry;
  FakeTunnels tunnels;
  identity::FakeGithub github;
  ita::IssuerFixture issuer;
  /// Who answers at a public host name.
  std::map<std::string, std::function<Result<HttpResponse>(const HttpRequest&)>> agents;
  std::shared_ptr<test::ScriptedTransport> transport =
      std::make_shared<test::ScriptedTransport>([this](const HttpRequest& request) { return carry(request); });
  Policy policy = Policy::tofu({"42"}, kOrigin);
  Bytes fleet_key = Bytes(32, std::byte{7});

  Store store{registry, pool, clock, system_random()};
  net::Turns turns{io.get_executor()};
  Nonces nonces{Bytes(32, std::byte{9}), clock, system_random()};
  Provisioner provisioner{
      store, tunnels, system_random(), fleet_key, {options.env, options.domain, options.ingress_style}};
  ita::Verifier tokens{io.get_executor(), transport, clock, {}};
  identity::PatVerifier owners{io.get_executor(), transport, clock, {identity::kApi, options.owner}};
  std::unique_ptr<enclave_client::Capability> capability = enclave_client::make_local_capability();
  Context context = context_with(*capability);
  AgentLink link{context};
  Dropper dropper{context};
  Registrar registrar{context, link, dropper};
  AgentCalls calls{context};
  People people{context};
  FleetApi api{context, dropper, people};
  Poller poller{context, link, dropper};
  net::Router router;
};

}  // namespace dd::cp
