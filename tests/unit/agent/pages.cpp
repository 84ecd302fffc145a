#include "libdd/agent/pages.hpp"

#include <doctest/doctest.h>

#include "tests/unit/agent/room.hpp"

using namespace dd;
using namespace dd::agent;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

struct PagesFixture : Room {
  Exposer exposer{context, calls, {}, [] {}};
  SignInApi sign_ins{context};
  Pages pages{context, exposer, sign_ins};
  net::Router router;

  PagesFixture() {
    join();
    pages.add_routes(router);
    deployments = {running("hello", {{"hello", 8000, ServiceProtocol::http}})};
  }
  Result<net::ServerResponse> get(const std::string& target) {
    return ask(router, {"GET", target, test::bearer(kOwnerPat), {}});
  }
};

}  // namespace

TEST_CASE("an agent shows its workloads, each with a page and where it is public") {
  PagesFixture f;
  f.deployments[0].boot = true;
  f.cp_publishes();
  REQUIRE(f.run(f.exposer.sync()).has_value());
  const auto page = f.get("/");
  REQUIRE(page.has_value());
  CHECK(page->status == 200);
  for (const auto* part :
       {"Signed in as <b>octo</b>", "/workload/id-hello", "running", "https://hello.dd-test-agent-1.dd.example/",
        "dd-test-agent-1, attested", "https://app.dd.example/"}) {
    CAPTURE(part);
    CHECK(contains(page->body, part));
  }
  CHECK_FALSE(contains(page->body, "SIMULATED"));
}

TEST_CASE("a simulated VM says so on both pages") {
  PagesFixture f;
  f.state.keys.attestation_type = "tdx-simulated";
  CHECK(contains(f.get("/")->body, "SIMULATED"));
  CHECK(contains(f.get("/workload/id-hello")->body, "SIMULATED"));
}

TEST_CASE("a workload has its log on its page, and as JSON for the page's script") {
  PagesFixture f;
  const auto page = f.get("/workload/id-hello");
  CHECK(contains(page->body, "<pre id=\"log\">tail 500\n</pre>"));
  const auto logs = protocol::logs_answer_from(parse_json(f.get("/workload/id-hello/logs")->body).value()).value();
  CHECK(logs.id == "id-hello");
  CHECK(logs.status == "running");
  CHECK(logs.log.lines == std::vector<std::string>{"tail 500"});
}

TEST_CASE("how a workload ended is said") {
  PagesFixture f;
  auto& info = f.deployments.front();
  info.status = DeploymentStatus::exited;
  info.exit_code = 3;
  CHECK(contains(f.get("/")->body, "exited: exit code 3"));
  info.exit_code.reset();
  info.signal = 9;
  CHECK(contains(f.get("/workload/id-hello")->body, "exited: signal 9"));
  info.error_message = "<script>alert(1)</script>";
  CHECK(contains(f.get("/")->body, "exited: &lt;script&gt;"));
}

TEST_CASE("a workload that is not there is a page that says so, and 404 for the script") {
  PagesFixture f;
  CHECK(f.get("/workload/none")->status == 404);
  const auto logs = f.get("/workload/none/logs");
  REQUIRE_FALSE(logs.has_value());
  CHECK(logs.error().code == ErrorCode::not_found);
}

TEST_CASE("a terminal's page is for its workload, with a nonce of its own") {
  PagesFixture f;
  const auto page = f.get("/session/hello");
  REQUIRE(page.has_value());
  if (page->status == 501) return;  // built without xterm.js
  CHECK(page->status == 200);
  CHECK(contains(page->body, "data-socket=\"/ws/session/hello\""));
  const auto policy_of = [](const auto& answer) { return *answer->headers.find("Content-Security-Policy"); };
  CHECK(contains(policy_of(page), "style-src 'self' 'nonce-"));
  CHECK(policy_of(page) != policy_of(f.get("/session/hello")));
}

TEST_CASE("a stranger sees no page and no log") {
  PagesFixture f;
  for (const auto* path : {"/", "/workload/id-hello", "/session/hello"}) {
    const auto away = f.ask(f.router, {"GET", path, {}, {}});
    REQUIRE(away.has_value());
    CHECK(away->status == 303);
    CHECK(away->body.empty());
    CHECK(f.ask(f.router, {"GET", path, test::bearer("ghp_stranger"), {}})->status == 403);
  }
  const auto logs = f.ask(f.router, {"GET", "/workload/id-hello/logs", {}, {}});
  REQUIRE_FALSE(logs.has_value());
  CHECK(logs.error().code == ErrorCode::unauthenticated);
  CHECK(f.runtime_calls.empty());
}

TEST_CASE("a runtime that does not answer is said on the page") {
  PagesFixture f;
  f.runtime_refusal = Json{{"ok", false}, {"error", "cannot list: <b>"}, {"code", "unavailable"}};
  const auto page = f.get("/");
  REQUIRE(page.has_value());
  CHECK(page->status == 503);
  CHECK(contains(page->body, "&lt;b&gt;"));
}
