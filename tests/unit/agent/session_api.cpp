// The calls beside the terminal, which is in terminal_bridge.cpp and, whole, in tests/integration/terminal.py.
#include "libdd/agent/session_api.hpp"

#include <doctest/doctest.h>

#include "tests/unit/agent/room.hpp"

using namespace dd;
using namespace dd::agent;

namespace {

struct Sessions : Room {
  SessionApi api{context};
  net::Router router;

  Sessions() {
    join();
    api.add_routes(router);
  }
  Result<net::ServerResponse> call(const std::string& target, std::string body = {}) {
    return ask(router, {"POST", target, test::bearer(kOwnerPat), std::move(body)});
  }
  /// As the server asks it before the handshake.
  Result<std::string> admitted(const std::string& target, HttpHeaders headers = {}) {
    const auto parsed = net::parse_target(target).value();
    const auto match = router.match("GET", parsed.path);
    net::ServerRequest request;
    request.query = parsed.query;
    request.params = match.params;
    request.headers = std::move(headers);
    return run(match.route->options.authenticate(request));
  }
  std::string ticket_for(const std::string& app_name) {
    return parse_json(call("/session/" + app_name + "/ticket").value().body).value().at("ticket").get<std::string>();
  }
};

}  // namespace

TEST_CASE("commands and tickets are the owner's") {
  Sessions f;
  for (const char* path : {"/exec", "/session/app/ticket"}) {
    CAPTURE(path);
    const auto answer = f.ask(f.router, {"POST", path, test::bearer("ghp_stranger"), R"({"cmd":["id"]})"});
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().code == ErrorCode::permission_denied);
  }
  const auto nobody = f.admitted("/ws/session/app");
  REQUIRE_FALSE(nobody.has_value());
  CHECK(nobody.error().code == ErrorCode::unauthenticated);
  CHECK(f.runtime_calls.empty());
}

TEST_CASE("exec is the runtime's, and its answer what the runtime said") {
  Sessions f;
  f.executed = {{"id", "id-1"},  {"exit_code", -1}, {"signal", 9},
                {"stdout", "o"}, {"stderr", "e"},   {"truncated", true}};
  const auto answer = f.call("/exec", R"({"cmd":["sh","-c","kill -9 $$"],"app":"app","timeout_secs":7})");
  REQUIRE(answer.has_value());
  auto expected = f.executed;
  expected["ok"] = true;
  CHECK(parse_json(answer->body).value() == expected);
  CHECK(f.last_asked.at("cmd") == Json{"sh", "-c", "kill -9 $$"});
  CHECK(f.last_asked.at("app") == "app");
  CHECK(f.last_asked.at("timeout_secs") == 7);
  CHECK_FALSE(f.last_asked.contains("privileged"));
}

TEST_CASE("a command that is none does not reach the runtime") {
  Sessions f;
  for (const char* body : {"", "[]", R"({"cmd":[]})", R"({"cmd":"id"})", R"({"cmd":["id"],"timeout_secs":0})"}) {
    CAPTURE(body);
    CHECK_FALSE(f.call("/exec", body).has_value());
  }
  CHECK(f.runtime_calls.empty());
}

TEST_CASE("what the runtime refuses keeps its code") {
  Sessions f;
  f.runtime_refusal = {{"ok", false}, {"error", "cannot exec in app: gone"}, {"code", "not_found"}};
  const auto answer = f.call("/exec", R"({"cmd":["id"],"app":"app"})");
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code == ErrorCode::not_found);
}

TEST_CASE("a terminal opens with the owner's token, or with a ticket for it") {
  Sessions f;
  CHECK(f.admitted("/ws/session/app", test::bearer(kOwnerPat)).value() == "octo");
  const auto ticket = f.ticket_for("app");
  CHECK(f.admitted("/ws/session/app?ticket=" + ticket).value() == "octo");
  CHECK_FALSE(f.admitted("/ws/session/app?ticket=" + ticket).has_value());
  CHECK_FALSE(f.admitted("/ws/session/other?ticket=" + f.ticket_for("app")).has_value());
  // A wrong ticket is refused whatever comes with it.
  CHECK_FALSE(f.admitted("/ws/session/app?ticket=wrong", test::bearer(kOwnerPat)).has_value());
}
