#include "libdd/agent/seed_control_plane.hpp"

#include <doctest/doctest.h>

#include "libdd/agent/metrics.hpp"
#include "libdd/protocol/seed.hpp"
#include "tests/unit/agent/room.hpp"

using namespace dd;
using namespace dd::agent;

namespace {

AgentOptions of_the_earlier_system() {
  AgentOptions options;
  options.compat = true;
  options.pat = Secret("ghp_agent");
  return options;
}

struct Earlier : Room {
  Earlier() : Room(of_the_earlier_system()) {
    cp("POST /register", [this](const HttpRequest& request) {
      credential = *request.headers.find("Authorization");
      sent = parse_json(request.body).value();
      const protocol::SeedRegisterAnswer answer{"run token", kHostname, kAgentId, "c2VjcmV0", "app.dd.example"};
      return test::http_answer(200, to_text(protocol::to_json_value(answer)));
    });
  }
  Result<Registered> attempt() { return run(registration.attempt({{"web", 8000, ServiceProtocol::http}})); }

  Registration registration{context};
  Json sent;
  std::string credential;
};

}  // namespace

TEST_CASE(
    "at a control plane of the earlier system an agent registers with the PAT and a token over a nonce of its own") {
  Earlier f;
  const auto registered = f.attempt().value();
  CHECK(f.credential == "Bearer ghp_agent");
  const Json expected = {{"vm_name", "vm-1"},
                         {"env_label", "test"},
                         {"owner", "octo"},
                         {"ita_token", "a.b.c"},
                         {"extra_ingress", {{{"hostname_label", "web"}, {"port", 8000}}}}};
  CHECK(f.sent == expected);
  REQUIRE(f.capability.quotes.size() == 1);
  CHECK(f.capability.quotes[0].tag == kAttestTag);

  CHECK(registered.membership.agent_id == kAgentId);
  CHECK(registered.membership.hostname == kHostname);
  CHECK(registered.tunnel_token.reveal() == "run token");
  CHECK(registered.extra_hostnames == std::vector<std::string>{"web." + kHostname});
  CHECK(registered.shown.token == "a.b.c");
}

TEST_CASE("what that control plane refuses is told, and its status counts") {
  const struct {
    int status;
    const char* body;
    ErrorCode code;
    const char* words;
  } rows[] = {
      {400, R"({"code":"BAD_REQUEST","message":"bad request: owner mismatch: got a expected b"})",
       ErrorCode::permission_denied, "owner mismatch"},
      {401, R"({"code":"UNAUTHORIZED","message":"unauthorized"})", ErrorCode::permission_denied, "unauthorized"},
      {502, R"({"code":"UPSTREAM","message":"upstream: cloudflare"})", ErrorCode::upstream, "cloudflare"},
      {200, "[]", ErrorCode::malformed, "object"},
      {200, R"({"tunnel_token":"t","hostname":"h.example","agent_id":"../x","cp_hostname":"c.example"})",
       ErrorCode::invalid_argument, "agent_id"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.body);
    Earlier f;
    f.cp("POST /register", [&row](const HttpRequest&) { return test::http_answer(row.status, row.body); });
    const auto registered = f.attempt();
    REQUIRE_FALSE(registered.has_value());
    CAPTURE(registered.error().message);
    CHECK(registered.error().code == row.code);
    CHECK(registered.error().message.find(row.words) != std::string::npos);
  }
}

TEST_CASE("ingress is replaced with the PAT, and a 404 means that the agent was forgotten") {
  Earlier f;
  f.join();
  Json sent;
  f.cp("POST /ingress/replace", [&sent](const HttpRequest& request) {
    sent = parse_json(request.body).value();
    return test::http_answer(200, to_text(Json{{"agent_id", kAgentId}, {"extra_hostnames", {"web." + kHostname}}}));
  });
  const auto answer = f.run(f.calls.replace_ingress({{"web", 8000, ServiceProtocol::http}})).value();
  CHECK(answer.extra_hostnames == std::vector<std::string>{"web." + kHostname});
  CHECK(sent == Json{{"agent_id", kAgentId}, {"extras", {{{"hostname_label", "web"}, {"port", 8000}}}}});

  f.cp("POST /ingress/replace",
       [](const HttpRequest&) { return test::http_answer(404, R"({"code":"NOT_FOUND","message":"not found"})"); });
  CHECK(f.run(f.calls.replace_ingress({})).error().reason == "agent_unknown");
}

TEST_CASE("whether it is known an agent sees in the list that the control plane has for the owner") {
  Earlier f;
  f.join();
  int status = 200;
  std::string body;
  f.cp("GET /api/agents", [&](const HttpRequest& request) {
    f.credential = *request.headers.find("Authorization");
    return test::http_answer(status, body);
  });
  body = R"([{"agent_id":"control-plane"},{"agent_id":"dd-test-agent-1","status":"stale"}])";
  CHECK(f.run(f.calls.check()).has_value());
  CHECK(f.credential == "Bearer ghp_agent");
  body = R"([{"agent_id":"control-plane"},{"agent_id":"dd-test-agent-10"}])";
  CHECK(f.run(f.calls.check()).error().reason == "agent_unknown");
  // What is no list says nothing.
  for (const auto& [code, text] : {std::pair{200, "<html>"}, {200, "{}"}, {401, "[]"}, {404, "[]"}, {502, "[]"}}) {
    CAPTURE(code);
    status = code;
    body = text;
    const auto known = f.run(f.calls.check());
    REQUIRE_FALSE(known.has_value());
    CHECK(known.error().reason != "agent_unknown");
  }
}

TEST_CASE("interfaces and disks are read from the system") {
  for (const auto& one : read_interfaces()) CHECK(one.name != "lo");
  const auto disks = read_disks();
  for (const auto& disk : disks) {
    CAPTURE(disk.mount);
    CHECK(disk.total_bytes > 0);
    CHECK(disk.used_bytes >= 0);
    CHECK(disk.used_bytes <= disk.total_bytes);
  }
}
