#include "dd/agent.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "dd/config.hpp"
#include "libdd/attest/trust_settings.hpp"
#include "tests/support/scripted_transport.hpp"

using namespace dd;

namespace {

/// The other end of the capability socket never answers.
struct CapabilitySocket {
  int ends[2] = {-1, -1};
  CapabilitySocket() {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      throw std::runtime_error("no socket for the test");
  }
  CapabilitySocket(const CapabilitySocket&) = delete;
  CapabilitySocket& operator=(const CapabilitySocket&) = delete;
  ~CapabilitySocket() { close(ends[1]); }
};

AgentOptions good_options() {
  AgentOptions options;
  options.env = "test";
  options.owner = {"octo", 42, OwnerKind::user};
  options.vm_name = "vm-1";
  options.cp_url = "https://app.dd.example";
  options.join_ticket = Secret("ticket");
  options.capability_fd = 1000;
  options.transport =
      std::make_shared<test::ScriptedTransport>([](const HttpRequest&) { return test::http_answer(404, "{}"); });
  return options;
}

}  // namespace

TEST_CASE("of an agent's variables exactly those that decide whom it believes are trust settings to the policy") {
  Config config;
  AgentOptions options;
  declare(config, options);
  int found = 0;
  for (const auto& variable : config.variables()) {
    CAPTURE(variable.name);
    if (!variable.name.starts_with("DD_") && !variable.name.starts_with("EE_"))
      continue;  // in a boot workload all of these are
    const auto told = attest::agent_trust_settings({{variable.name, "elsewhere"}});
    CHECK(told == (variable.trust == Trust::setting ? variable.name + "=elsewhere" : ""));
    found += variable.trust == Trust::setting ? 1 : 0;
  }
  CHECK(found == 4);
}

TEST_CASE("an agent that is set up well is made") {
  const CapabilitySocket socket;
  auto options = good_options();
  options.capability_fd = socket.ends[0];
  options.extra_ingress = {"web:8000", "db:5432"};
  CHECK(Agent::create(std::move(options)).has_value());
}

TEST_CASE("an option that cannot work is refused by its variable's name") {
  const struct {
    std::string word;
    std::function<void(AgentOptions&)> bend;
  } rows[] = {
      {"DD_ENV", [](auto& o) { o.env.clear(); }},
      {"DD_ENV", [](auto& o) { o.env = "Prod"; }},
      {"DD_OWNER", [](auto& o) { o.owner.login.clear(); }},
      {"DD_VM_NAME", [](auto& o) { o.vm_name = "vm_1"; }},
      {"DD_VM_NAME", [](auto& o) { o.vm_name = std::string(64, 'a'); }},
      {"DD_JOIN_TICKET", [](auto& o) { o.join_ticket = Secret(); }},
      {"DD_JOIN_TICKET", [](auto& o) { o.pat = Secret("ghp_pat"); }},
      {"DD_ADDRESS", [](auto& o) { o.address = "::1"; }},
      {"DD_ADDRESS", [](auto& o) { o.address = "127.0.0.2"; }},
      {"DD_CAP_FD", [](auto& o) { o.capability_fd = -1; }},
      {"DD_CP_URL", [](auto& o) { o.cp_url.clear(); }},
      {"DD_CP_URL", [](auto& o) { o.cp_url = "app.dd.example"; }},
      {"DD_REFRESH_INTERVAL", [](auto& o) { o.refresh_interval = {}; }},
      {"DD_DEPLOY_WAIT", [](auto& o) { o.deploy_wait = -std::chrono::seconds(1); }},
      {"DD_STEADY_AFTER", [](auto& o) { o.steady_after = -std::chrono::seconds(1); }},
      {"DD_TUNNEL_CHECK_AFTER", [](auto& o) { o.tunnel_check_after = {}; }},
      {"DD_RENEW_PAUSE", [](auto& o) { o.renew_pause = {}; }},
      {"DD_WATCH_INTERVAL", [](auto& o) { o.watch_interval = {}; }},
      {"DD_STOP_GRACE", [](auto& o) { o.stop_grace = -std::chrono::seconds(1); }},
      {"web:0", [](auto& o) { o.extra_ingress = {"web:0"}; }},
      {"web:65536", [](auto& o) { o.extra_ingress = {"web:65536"}; }},
      {"web:80x", [](auto& o) { o.extra_ingress = {"web:80x"}; }},
      {"\"web\"", [](auto& o) { o.extra_ingress = {"ok:80", "web"}; }},
      {"\":80\"", [](auto& o) { o.extra_ingress = {":80"}; }},
      {"We.b:80", [](auto& o) { o.extra_ingress = {"We.b:80"}; }},
  };
  for (const auto& row : rows) {
    CAPTURE(row.word);
    auto options = good_options();
    row.bend(options);
    const auto made = Agent::create(std::move(options));
    REQUIRE_FALSE(made.has_value());
    CAPTURE(made.error().message);
    CHECK(made.error().code == ErrorCode::invalid_argument);
    CHECK(made.error().message.starts_with("cannot "));
    CHECK(made.error().message.find(row.word) != std::string::npos);
    CHECK(made.error().message.find("ghp_pat") == std::string::npos);
  }
}
