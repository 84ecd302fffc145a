#include "libdd/attest/boot_workloads.hpp"

#include <doctest/doctest.h>

#include "libdd/attest/loader_variables.hpp"
#include "tests/unit/attest/samples.hpp"

using namespace dd;
using namespace dd::attest;
using nlohmann::json;

namespace {

json web_event() {
  return {{"type", "workload"},
          {"app_name", "web"},
          {"digest", digest_of('d')},
          {"cmd", {"web", "--port", "80"}},
          {"env", {{"DD_OWNER", "octo"}, {"PASSWORD", "hmac-sha256:0011"}}},
          {"inherit_token", false},
          {"privileged", false},
          {"expose", json::array()}};
}

json changed(json event, const char* pointer, json value) {
  event[json::json_pointer(pointer)] = std::move(value);
  return event;
}

std::string named(const json& event) { return boot_workload(event).value(); }

std::string settings_of(const json& event) { return log_facts(log_of({boot_event(), event}))->trust_settings; }

}  // namespace

TEST_CASE("a boot workload is named by its program and by what its event says, whatever its place and its secrets") {
  const auto good = named(web_event());
  CHECK(good.starts_with("web " + digest_of('d') + " sha256:"));
  CHECK(is_boot_workload(good));
  CHECK(named(changed(web_event(), "/index", 3)) == good);
  CHECK(named(changed(web_event(), "/env/PASSWORD", "hmac-sha256:ff")) == good);
  const struct {
    const char* pointer;
    json value;
  } changes[] = {{"/app_name", "other"},
                 {"/digest", digest_of('e')},
                 {"/cmd/2", "81"},
                 {"/env/DD_OWNER", "mallory"},
                 {"/env/LD_PRELOAD", "hmac-sha256:00"},
                 {"/inherit_token", true},
                 {"/privileged", true},
                 {"/role", "cp"},
                 {"/listen", json::array({{{"name", "a"}, {"port", 1}}})},
                 {"/expose", json::array({{{"hostname_label", "web"}, {"port", 80}}})}};
  for (const auto& change : changes) {
    CAPTURE(change.pointer);
    CHECK(named(changed(web_event(), change.pointer, change.value)) != good);
  }
}

TEST_CASE("the facts name what boots besides the agent, in order") {
  const auto web = web_event();
  const auto facts = log_facts(log_of({boot_event(), connector_event(), web, agent_event(), deploy_event()})).value();
  REQUIRE(facts.boot_workloads.size() == 2);
  CHECK(facts.boot_workloads[0].starts_with("cloudflared " + digest_of('c')));
  CHECK(facts.boot_workloads[1] == named(web));
}

TEST_CASE("a boot workload's name has three parts") {
  const auto digest = digest_of('a');
  CHECK(is_boot_workload("web " + digest + " " + digest));
  for (const auto& bad : {std::string(), std::string("web"), "web " + digest, " " + digest + " " + digest,
                          "web " + digest + " " + digest + " ", "web " + digest + "  " + digest,
                          "web sha256:00 " + digest, digest + " " + digest}) {
    CAPTURE(bad);
    CHECK_FALSE(is_boot_workload(bad));
  }
}

TEST_CASE("variables by which a boot workload runs other code are settings that a policy must name") {
  CHECK(settings_of(web_event()) == "default");
  CHECK(settings_of(changed(web_event(), "/env/LD_PRELOAD", "/host/evil.so")) == "web.LD_PRELOAD=/host/evil.so");
  CHECK(settings_of(changed(web_event(), "/env/NODE_OPTIONS", "hmac-sha256:00")) == "web.NODE_OPTIONS=?");
  auto connector = connector_event();
  connector["env"] = {{"LD_AUDIT", "/x y"}, {"BASH_ENV", "/b"}, {"HOME", "/h"}};
  CHECK(settings_of(connector) == "cloudflared.BASH_ENV=/b cloudflared.LD_AUDIT=/x%20y");
}

TEST_CASE("so are arguments of agent and connector, and of nobody else") {
  CHECK(settings_of(changed(connector_event(), "/cmd", {"cloudflared", "--edge", "evil:7844"})) ==
        R"(cloudflared.cmd=["--edge","evil:7844"])");
  CHECK(settings_of(changed(agent_event(), "/cmd", {"dd-agent", "--x"})) == R"(dd-agent.cmd=["--x"])");
  CHECK(settings_of(changed(agent_event(), "/cmd", {"dd-agent", "a b"})) == R"(dd-agent.cmd=["a%20b"])");
  CHECK(settings_of(changed(agent_event(), "/cmd", {"dd-agent", ""})) == R"(dd-agent.cmd=[""])");
  CHECK(settings_of(changed(agent_event(), "/cmd", {"devopsdefender", "agent"})) == "default");
  CHECK(settings_of(changed(connector_event(), "/cmd", {"ddctl", "connector"})) == "default");
}

TEST_CASE("loader and interpreter variables are known, and those that are always files told apart") {
  for (const char* name : {"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "BASH_ENV", "PYTHONPATH", "PYTHONSTARTUP",
                           "PERL5LIB", "RUBYLIB", "NODE_PATH", "CLASSPATH", "GCONV_PATH"}) {
    CAPTURE(name);
    CHECK(chooses_code(name));
    CHECK(names_code(name));
  }
  for (const char* name : {"NODE_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "RUBYOPT", "PERL5OPT", "LD_SDK_KEY",
                           "LD_DEBUG", "PYTHONWARNINGS", "GLIBC_TUNABLES"}) {
    CAPTURE(name);
    CHECK(chooses_code(name));
    CHECK_FALSE(names_code(name));
  }
  for (const char* name : {"", "PATH", "HOME", "DD_OWNER", "OLD_PRELOAD", "ld_preload", "MY_LD_PRELOAD"}) {
    CAPTURE(name);
    CHECK_FALSE(chooses_code(name));
    CHECK_FALSE(names_code(name));
  }
}

TEST_CASE("a log with more than can be kept of it is refused") {
  const auto refused = [](const json& event) {
    const auto facts = log_facts(log_of({boot_event(), event}));
    REQUIRE_FALSE(facts.has_value());
    CHECK(facts.error().code == ErrorCode::malformed);
  };
  refused(changed(web_event(), "/app_name", std::string(600, 'a')));
  refused(changed(web_event(), "/env/LD_PRELOAD", std::string(30'000, '%')));  // three times as long when it is escaped
  LogFacts facts;
  for (int i = 0; i < 256; ++i)
    REQUIRE(add_boot_workload(changed(web_event(), "/app_name", "a" + std::to_string(i)), facts).has_value());
  CHECK_FALSE(add_boot_workload(changed(web_event(), "/app_name", "b"), facts).has_value());
}

TEST_CASE("what is added later joins what was there, once") {
  auto facts = log_facts(log_of({boot_event(), agent_event()})).value();
  REQUIRE(facts.trust_settings == "default");
  const auto late = changed(web_event(), "/env/LD_PRELOAD", "/x.so");
  for (int i = 0; i < 2; ++i) REQUIRE(add_boot_workload(late, facts).has_value());
  CHECK(facts.boot_workloads == std::vector<std::string>{named(late)});
  CHECK(facts.trust_settings == "web.LD_PRELOAD=/x.so");
}
