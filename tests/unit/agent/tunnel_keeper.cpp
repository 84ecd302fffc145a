// What an agent does about a connector that never gets ready.
#include "libdd/agent/tunnel_keeper.hpp"

#include <fstream>

#include <doctest/doctest.h>

#include "tests/unit/agent/room.hpp"

using namespace dd;
using namespace dd::agent;
using namespace std::chrono_literals;

namespace {

struct Keeping : Room {
  tunnel::Connector connector{io.get_executor(), transport, connector_options()};
  int forgotten = 0;
  TunnelKeeper keeper{context, calls, connector, [this] { ++forgotten; }};
  std::shared_ptr<test::Started<bool>> running;
  int asked = 0;

  /// `script` is the connector, for sh; without one there is none.
  explicit Keeping(const std::string& script = {}) {
    if (!script.empty()) dir.write("connector.sh", script);
    join();
    options.tunnel_check_after = 5ms;
    answers(200, to_text(Json{{"agent_id", kAgentId}}));
    REQUIRE(connector.start(Secret("first token")).has_value());
  }
  Keeping(const Keeping&) = delete;
  Keeping& operator=(const Keeping&) = delete;
  ~Keeping() {
    keeper.stop();
    auto stopped = [](tunnel::Connector& one) -> net::Task<bool> {
      co_await one.stop(0ms);
      co_return true;
    };
    run(stopped(connector));
    test::settle(io);
  }
  /// It is never ready, and the token's file is what the test looks at.
  [[nodiscard]] tunnel::ConnectorOptions connector_options() const {
    tunnel::ConnectorOptions made;
    made.command = {"/bin/sh", (dir.path() / "connector.sh").string()};
    made.directory = dir.path() / "connector";
    return made;
  }
  void answers(int status, std::string body) {
    cp("POST /tunnel/check", [this, status, body](const HttpRequest&) {
      ++asked;
      return test::http_answer(status, body);
    });
  }
  void start() {
    auto ended = [](TunnelKeeper& one) -> net::Task<bool> {
      co_await one.run();
      co_return true;
    };
    running = test::start(io, ended(keeper));
  }
  void until_asked(int times) {
    while (asked < times) io.run_one();
  }
  [[nodiscard]] std::string token() const {
    for (const auto& entry : std::filesystem::directory_iterator(dir.path() / "connector")) {
      std::ifstream file(entry.path());
      return {std::istreambuf_iterator<char>(file), {}};
    }
    return {};
  }
};

}  // namespace

TEST_CASE("an agent whose connector stays unready asks, and goes on with what it has while the tunnel is there") {
  Keeping f;
  f.start();
  f.until_asked(2);
  CHECK(f.token() == "first token");
}

TEST_CASE("the token of a tunnel that was made anew is what the connector gets") {
  Keeping f;
  const auto sealed = crypto::hpke_seal(f.state.keys.sealing, as_bytes(kRegisterTag), as_bytes(kAgentId),
                                        as_bytes("second token"), system_random())
                          .value();
  f.answers(200, to_text(Json{{"agent_id", kAgentId}, {"tunnel_token_sealed", to_base64url(sealed)}}));
  f.start();
  f.until_asked(1);
  while (f.token() != "second token") f.io.run_one();
}

TEST_CASE("a token that is sealed for somebody else, and an answer that is none, change nothing") {
  Keeping f;
  SUBCASE("for another agent") {
    const auto sealed = crypto::hpke_seal(f.state.keys.sealing, as_bytes(kRegisterTag), as_bytes("dd-test-agent-2"),
                                          as_bytes("second token"), system_random())
                            .value();
    f.answers(200, to_text(Json{{"agent_id", kAgentId}, {"tunnel_token_sealed", to_base64url(sealed)}}));
  }
  SUBCASE("no JSON") { f.answers(200, "<html>"); }
  SUBCASE("the control plane cannot look") { f.answers(503, R"({"error":"cannot look"})"); }
  f.start();
  f.until_asked(2);
  CHECK(f.token() == "first token");
}

TEST_CASE("a control plane that asks for a pause is not asked about the tunnel before") {
  Keeping f;
  f.cp("POST /tunnel/check", [&f](const HttpRequest&) {
    ++f.asked;
    return test::http_answer(503, R"({"code":"unavailable","message":"Cloudflare limits us"})",
                             {{"Retry-After", "30"}});
  });
  f.start();
  f.until_asked(1);
  f.io.run_for(100ms);  // ten times what it would wait otherwise
  CHECK(f.asked == 1);
}

TEST_CASE("nobody is asked before the connector has been unready for long, nor after the stop") {
  Keeping f;
  f.options.tunnel_check_after = 1h;
  f.start();
  f.io.run_for(20ms);
  CHECK(f.asked == 0);

  Keeping g;
  g.start();
  g.until_asked(1);
  g.keeper.stop();
  while (!g.running->result) g.io.run_one();
  CHECK(g.asked == 1);
}

TEST_CASE("under a control plane of the earlier system an agent registers again when its tunnel is said to be gone") {
  Keeping f("echo 'ERR Register tunnel error from server side error=\"Unauthorized: Failed to get tunnel\"'\nsleep 60");
  f.options.compat = true;
  f.start();
  while (f.forgotten == 0) f.io.run_one();
  CHECK(f.asked == 0);
  CHECK(f.token() == "first token");
}

TEST_CASE("under a control plane of the earlier system an agent whose connector has other troubles waits") {
  Keeping f("echo 'ERR Unable to establish connection with Cloudflare edge'\necho x > $(dirname $0)/said\nsleep 60");
  f.options.compat = true;
  f.start();
  while (!std::filesystem::exists(f.dir.path() / "said")) f.io.run_one_for(5ms);
  f.io.run_for(50ms);
  CHECK(f.forgotten == 0);
  CHECK(f.asked == 0);
}
