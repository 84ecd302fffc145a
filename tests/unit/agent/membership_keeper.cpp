#include "libdd/agent/membership_keeper.hpp"

#include <doctest/doctest.h>

#include "tests/unit/agent/room.hpp"

using namespace dd;
using namespace dd::agent;

namespace {

struct Kept : Room {
  Exposer exposer{context, calls, {}, [] {}};
  tunnel::Connector connector{io.get_executor(), transport, connector_options()};
  MembershipKeeper keeper;
  std::shared_ptr<test::Started<bool>> running;
  int keys_asked = 0;

  explicit Kept(std::chrono::milliseconds doubt_pause = std::chrono::milliseconds(2))
      : keeper(context, calls, exposer, connector, doubt_pause) {
    shows_key(cp_key.public_key());
  }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() {
    keeper.stop();
    run(stopped());
    test::settle(io);
  }
  net::Task<bool> stopped() {
    co_await connector.stop(std::chrono::milliseconds(0));
    co_return true;
  }
  /// A program that is not there: the token's file is what the test looks at.
  [[nodiscard]] tunnel::ConnectorOptions connector_options() const {
    tunnel::ConnectorOptions connector_options;
    connector_options.command = {(dir.path() / "no-connector").string()};
    connector_options.directory = dir.path() / "connector";
    return connector_options;
  }
  void shows_key(const crypto::OkpPublicKey& key) {
    cp("GET /api/key", [this, key](const HttpRequest&) {
      ++keys_asked;
      return test::http_answer(200, to_text(Json{{"cp_key", key.to_jwk()}}));
    });
  }
  void start() {
    auto ended = [](MembershipKeeper& one) -> net::Task<bool> {
      co_await one.run();
      co_return true;
    };
    running = test::start(io, ended(keeper));
  }
  template <class Done>
  void run_until(Done done) {
    io.restart();
    while (!done()) io.run_one();
  }
  void start_and_join() {
    start();
    run_until([this] { return state.membership.has_value(); });
    test::settle(io);
  }
};

}  // namespace

TEST_CASE("a registration sets who the agent is, what it shows and what is public, and starts the connector") {
  Kept f;
  auto greeter = running("greeter", {{"hello", 8000, ServiceProtocol::http}});
  greeter.boot = true;
  f.deployments = {greeter};
  f.state.poll_nonce = Digest256{};
  f.start_and_join();
  CHECK(f.state.membership->agent_id == kAgentId);
  CHECK(f.state.shown.token == "a.b.c");
  CHECK_FALSE(f.state.poll_nonce.has_value());  // it was the control plane's of before
  CHECK(f.exposer.hostname_of("hello") == "hello." + kHostname);
  CHECK_FALSE(std::filesystem::is_empty(f.dir.path() / "connector"));
}

TEST_CASE("a registration that failed is tried again") {
  Kept f;
  int asked = 0;
  const auto honest = f.cp_routes["POST /register"];
  f.cp("POST /register", [&asked, honest](const HttpRequest& request) -> Result<HttpResponse> {
    if (++asked == 1) return fail(ErrorCode::unavailable, "cannot connect");
    return honest(request);
  });
  f.start_and_join();
  CHECK(asked == 2);
  CHECK(f.registrations == 1);
}

TEST_CASE("a control plane that asks for a pause is not asked before") {
  Kept f;
  int asked = 0;
  f.cp("POST /register", [&asked](const HttpRequest&) {
    ++asked;
    return test::http_answer(503, R"({"code":"unavailable","message":"GitHub limits us"})", {{"Retry-After", "30"}});
  });
  f.start();
  f.run_until([&] { return asked == 1; });
  f.io.run_for(std::chrono::milliseconds(600));  // it would wait 250 ms otherwise
  CHECK(asked == 1);
}

TEST_CASE("an agent that was forgotten registers again without asking for the key") {
  Kept f;
  f.start_and_join();
  f.keeper.forgotten();
  f.run_until([&f] { return f.registrations == 2; });
  CHECK(f.keys_asked == 0);
}

TEST_CASE("a poll under an unknown key leads to a registration only if the control plane has a new one") {
  Kept f;
  f.start_and_join();
  f.keeper.unknown_key();
  f.run_until([&f] { return f.keys_asked == 1; });
  test::settle(f.io);
  CHECK(f.registrations == 1);

  f.shows_key(crypto::OkpPrivateKey::generate(crypto::Curve::ed25519, system_random()).public_key());
  f.keeper.unknown_key();
  f.run_until([&f] { return f.registrations == 2; });
  CHECK(f.keys_asked == 2);
}

TEST_CASE("an agent that nobody polls asks whether the control plane is another one") {
  Kept f;
  f.poll_interval_secs = 1;
  f.start_and_join();
  f.run_until([&f] { return f.keys_asked == 1; });
  test::settle(f.io);
  CHECK(f.registrations == 1);
  f.shows_key(crypto::OkpPrivateKey::generate(crypto::Curve::ed25519, system_random()).public_key());
  f.run_until([&f] { return f.registrations == 2; });
}

TEST_CASE("an agent that nobody polls asks whether it is known, and registers when it is not") {
  Kept f;
  f.poll_interval_secs = 1;
  f.start_and_join();
  int asked = 0;
  std::string answer = R"({"agent_id":"dd-test-agent-1","status":"healthy"})";
  int status = 200;
  f.cp("POST /register/check", [&](const HttpRequest& request) {
    ++asked;
    CHECK(request.headers.find(protocol::kCallHeader) != nullptr);
    return test::http_answer(status, answer);
  });
  f.run_until([&] { return asked == 1; });
  test::settle(f.io);
  CHECK(f.registrations == 1);
  SUBCASE("by a control plane that knows no such call") {
    status = 404;
    answer = R"({"code":"not_found","message":"cannot find route"})";
    f.run_until([&] { return asked == 2; });
    test::settle(f.io);
    CHECK(f.registrations == 1);
  }
  SUBCASE("by the control plane that deleted it") {
    status = 404;
    answer = R"({"code":"not_found","message":"no agent","reason":"agent_unknown"})";
    f.run_until([&] { return f.registrations == 2; });
  }
}

TEST_CASE("that it is unknown an agent believes less and less often while nobody polls it") {
  Kept f;
  f.options.renew_pause = std::chrono::milliseconds(200);
  f.start_and_join();
  auto registered_at = std::chrono::steady_clock::now();
  // From one registration to the next; each begins a little after it was believed.
  const auto forget = [&](int registrations) {
    f.keeper.forgotten();
    f.run_until([&] { return f.registrations == registrations; });
    const auto before = std::exchange(registered_at, std::chrono::steady_clock::now());
    test::settle(f.io);  // the answer has come
    return registered_at - before;
  };
  forget(2);
  CHECK(forget(3) >= std::chrono::milliseconds(100));
  CHECK(forget(4) >= std::chrono::milliseconds(250));
  CHECK(forget(5) >= std::chrono::milliseconds(550));
  f.state.polls = 1;  // what comes now is news
  CHECK(forget(6) < std::chrono::milliseconds(1'500));
}

TEST_CASE("what is over before it is believed leads to no registration") {
  Kept f;
  f.options.renew_pause = std::chrono::milliseconds(50);
  f.start_and_join();
  const auto again = [&f](int registrations) {
    f.run_until([&] { return f.registrations == registrations; });
    test::settle(f.io);
  };
  f.keeper.forgotten();  // at once: nothing was believed before
  again(2);
  SUBCASE("unknown, and polled again") {
    f.keeper.forgotten();
    f.io.run_for(std::chrono::milliseconds(10));  // it is waiting to be believed
    ++f.state.polls;
  }
  SUBCASE("without a tunnel, and the connector does not say so any more") { f.keeper.tunnel_gone(); }
  f.io.restart();
  f.io.run_for(std::chrono::milliseconds(200));
  CHECK(f.registrations == 2);
}

TEST_CASE("a registration that is refused is not tried again when polls come again") {
  Kept f;
  f.start_and_join();
  int refused = 0;
  f.cp("POST /register", [&refused](const HttpRequest&) {
    ++refused;
    return test::http_answer(403, R"({"code":"permission_denied","message":"held by an agent that answers"})");
  });
  f.keeper.forgotten();
  f.run_until([&] { return refused == 1; });
  ++f.state.polls;
  f.io.run_for(std::chrono::milliseconds(4'500));  // twice as long as it would wait
  CHECK(refused == 1);
}

TEST_CASE("polls under junk keys do not make the agent ask the control plane more often") {
  Kept f(std::chrono::hours(1));
  f.start_and_join();
  for (int i = 0; i < 50; ++i) {
    f.keeper.unknown_key();
    test::settle(f.io);
  }
  CHECK(f.keys_asked == 0);  // the pause before the first question is not over
}

TEST_CASE("a keeper that is stopped ends, whatever it waits for") {
  Kept f(std::chrono::hours(1));
  SUBCASE("for doubt") { f.start_and_join(); }
  SUBCASE("before it asks for the key") {
    f.start_and_join();
    f.keeper.unknown_key();
    test::settle(f.io);
  }
  SUBCASE("for its next try") {
    f.cp("POST /register/challenge", [](const HttpRequest&) { return fail(ErrorCode::unavailable, "cannot connect"); });
    f.start();
    f.run_until([&f] { return !f.transport->requests.empty(); });
    test::settle(f.io);
  }
  CHECK_FALSE(f.running->result.has_value());
  f.keeper.stop();
  test::settle(f.io);
  CHECK(f.running->result.has_value());
}
