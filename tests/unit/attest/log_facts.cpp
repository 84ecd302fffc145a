#include <doctest/doctest.h>

#include "tests/unit/attest/samples.hpp"

using namespace dd;
using nlohmann::json;

namespace {

json with(json event, const char* pointer, json value) {
  event[json::json_pointer(pointer)] = std::move(value);
  return event;
}

json without(json event, const char* name) {
  event.erase(name);
  return event;
}

}  // namespace

TEST_CASE("the facts of a log are those of its boot, agent and connector events") {
  const auto facts = log_facts(sample_log());
  REQUIRE(facts.has_value());
  CHECK(facts->boot_id == "00112233445566778899aabbccddeeff");
  CHECK(facts->runtime_digest == digest_of('a'));
  CHECK(facts->attestation_type == "tdx");
  CHECK(facts->rtmr3_extended);
  CHECK(facts->boundary);
  CHECK(facts->agent_digest == digest_of('b'));
  CHECK(facts->connector_digest == digest_of('c'));
  CHECK(facts->owner == "octo");
  CHECK(facts->owner_id == "1234");
  CHECK(facts->cp_origin == "https://app.example.com");
  CHECK_FALSE(facts->privileged);
}

TEST_CASE("settings that decide whom the agent believes are facts") {
  const auto told = [](json env) {
    return log_facts(log_of({boot_event(), with(agent_event(), "/env", std::move(env))}))->trust_settings;
  };
  CHECK(log_facts(sample_log())->trust_settings == "default");
  CHECK(told({{"DD_GITHUB_API_URL", "https://api.github.com"},
              {"DD_CA_FILE", ""},
              {"EE_SOCKET_PATH", "/run/x"},
              {"DD_VM_NAME", "a"}}) == "default");
  CHECK(told({{"DD_GITHUB_API_URL", "https://api.github.com.evil"}}) ==
        "DD_GITHUB_API_URL=https://api.github.com.evil");
  CHECK(told({{"LD_PRELOAD", "hmac-sha256:00"}, {"DD_EDGE_URL", "http://edge"}, {"DD_CA_FILE", "/ca"}}) ==
        "DD_CA_FILE=/ca DD_EDGE_URL=http://edge LD_PRELOAD=hmac-sha256:00");
  CHECK(told({{"DD_CONNECTOR", "hmac-sha256:00"}, {"SSL_CERT_FILE", "hmac-sha256:00"}}) ==
        "DD_CONNECTOR=hmac-sha256:00 SSL_CERT_FILE=hmac-sha256:00");
}

TEST_CASE("settings that decide what the runtime runs are facts, before those of the agent") {
  const std::string usual = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin";
  const auto told = [](json config) {
    return log_facts(log_of({with(boot_event(), "/config", std::move(config)),
                             with(agent_event(), "/env", {{"DD_EDGE_URL", "http://edge"}})}))
        ->trust_settings;
  };
  const std::string agents = "DD_EDGE_URL=http://edge";
  CHECK(told({{"search_path", usual + ":/data/bin"},
              {"data_dir", "/data"},
              {"github_api_url", "https://api.github.com"},
              {"ca_file", ""},
              {"fetch_program", ""}}) == agents);
  CHECK(told({{"search_path", usual + ":/data/bin"}, {"data_dir", "/data/"}}) == agents);
  CHECK(told({{"search_path", usual + ":/other/bin"}, {"data_dir", "/data"}}) ==
        "runtime.DD_ENCLAVE_PATH=" + usual + ":/other/bin " + agents);
  CHECK(told({{"search_path", "/evil:" + usual}}) == "runtime.DD_ENCLAVE_PATH=/evil:" + usual + " " + agents);
  CHECK(told({{"github_api_url", "http://evil"}, {"fetch_program", "/evil"}, {"ca_file", "/a DD_X=b%"}}) ==
        "runtime.DD_CA_FILE=/a%20DD_X=b%25 runtime.DD_FETCH_PROGRAM=/evil runtime.DD_GITHUB_API_URL=http://evil " +
            agents);
  const auto alone = log_facts(log_of({with(boot_event(), "/config", {{"ca_file", "/ca"}}), agent_event()}));
  CHECK(alone->trust_settings == "runtime.DD_CA_FILE=/ca");
  CHECK_FALSE(log_facts(log_of({with(boot_event(), "/config", {{"ca_file", 1}})})).has_value());
}

TEST_CASE("what the log does not say stays empty and false") {
  const auto boot = with(with(boot_event(), "/rtmr3", "unavailable"), "/boundary", "none");
  const auto facts = log_facts(log_of({boot, with(agent_event(), "/env", json::object())}));
  REQUIRE(facts.has_value());
  CHECK_FALSE(facts->rtmr3_extended);
  CHECK_FALSE(facts->boundary);
  CHECK(facts->owner_id.empty());
  CHECK(facts->cp_origin.empty());
  CHECK(facts->connector_digest.empty());
}

TEST_CASE("who was given the runtime's token counts as privileged, but for agent and control plane") {
  auto holder = agent_event();
  holder.erase("role");
  CHECK(log_facts(log_of({boot_event(), holder}))->privileged);
  CHECK_FALSE(log_facts(log_of({boot_event(), with(holder, "/inherit_token", false)}))->privileged);
  CHECK(log_facts(log_of({boot_event(), with(agent_event(), "/role", "connector")}))->privileged);
  CHECK_FALSE(log_facts(log_of({boot_event(), agent_event()}))->privileged);
  CHECK_FALSE(log_facts(log_of({boot_event(), with(agent_event(), "/role", "cp")}))->privileged);
  // Whose program no rule judges.
  CHECK(log_facts(log_of({boot_event(), with(agent_event(), "/role", "cp"), agent_event()}))->privileged);
}

TEST_CASE("anything privileged shows, whoever it was") {
  CHECK(log_facts(log_of({boot_event(), deploy_event(true)}))->privileged);
  CHECK(log_facts(log_of({boot_event(), with(agent_event(), "/privileged", true)}))->privileged);
  const auto stopped =
      log_of({boot_event(), deploy_event(true), {{"type", "stop"}, {"id", "1"}, {"app_name", "hello"}}});
  CHECK(log_facts(stopped)->privileged);
}

TEST_CASE("only the workload with role agent speaks for the agent") {
  auto other = with(deploy_event(), "/env", {{"DD_OWNER_ID", "666"}, {"DD_CP_URL", "https://evil.example"}});
  other["role"] = "agent";  // a deploy has no role, whatever it says
  auto boot_workload = agent_event();
  boot_workload.erase("role");
  boot_workload["env"]["DD_OWNER_ID"] = "777";
  const auto facts = log_facts(log_of({boot_event(), agent_event(), boot_workload, other}));
  REQUIRE(facts.has_value());
  CHECK(facts->owner_id == "1234");
  CHECK(facts->agent_digest == digest_of('b'));
}

TEST_CASE("the control plane's origin is compared in one spelling") {
  const struct {
    const char* url;
    const char* origin;
  } cases[] = {
      {"https://app.example.com", "https://app.example.com"},
      {"HTTPS://APP.Example.COM/", "https://app.example.com"},
      {"https://app.example.com:443/path?q#f", "https://app.example.com"},
      {"https://app.example.com?q", "https://app.example.com"},
      {"http://app.example.com:80", "http://app.example.com"},
      {"http://app.example.com:443", "http://app.example.com:443"},
      {"https://app.example.com:80", "https://app.example.com:80"},
      {"http://127.0.0.1:8080/", "http://127.0.0.1:8080"},
      {"http://[::1]:80/", "http://[::1]"},
      {"http://[::80]", "http://[::80]"},
      {"https://app.example.com:4443", "https://app.example.com:4443"},
      {"app.example.com", "app.example.com"},
      {"", ""},
  };
  for (const auto& c : cases) {
    CAPTURE(c.url);
    const auto facts = log_facts(log_of({boot_event(), with(agent_event(), "/env/DD_CP_URL", c.url)}));
    REQUIRE(facts.has_value());
    CHECK(facts->cp_origin == c.origin);
  }
}

TEST_CASE("a log that says two things, or not enough, has no facts") {
  const struct {
    const char* name;
    EventLog log;
    const char* message;
  } cases[] = {
      {"empty", EventLog(), "cannot read event log: it has no event"},
      {"no boot", log_of({agent_event()}),
       "cannot read event log: cannot read $.event_log[0].type: the first event is boot, and no other"},
      {"a second boot", log_of({boot_event(), boot_event()}),
       "cannot read event log: cannot read $.event_log[1].type: the first event is boot, and no other"},
      {"two agents", log_of({boot_event(), agent_event(), agent_event()}),
       "cannot read event log: cannot read $.event_log[2].role: two boot workloads have role \"agent\""},
      {"two connectors", log_of({boot_event(), connector_event(), connector_event()}),
       "cannot read event log: cannot read $.event_log[2].role: two boot workloads have role \"connector\""},
      {"two control planes",
       log_of({boot_event(), with(connector_event(), "/role", "cp"), with(connector_event(), "/role", "cp")}),
       "cannot read event log: cannot read $.event_log[2].role: two boot workloads have role \"cp\""},
      {"an agent with an empty digest", log_of({boot_event(), with(agent_event(), "/digest", "")}),
       "cannot read event log: cannot read $.event_log[1].digest: want sha256: and 64 lower-case hex digits"},
      {"an agent without a digest", log_of({boot_event(), without(agent_event(), "digest")}),
       "cannot read event log: cannot read $.event_log[1].digest: missing, want sha256: and 64 lower-case hex digits"},
      {"an agent without env", log_of({boot_event(), without(agent_event(), "env")}),
       "cannot read event log: cannot read $.event_log[1].env: missing, want an object"},
      {"an owner id that is no text", log_of({boot_event(), with(agent_event(), "/env/DD_OWNER_ID", 1234)}),
       "cannot read event log: cannot read $.event_log[1].env.DD_OWNER_ID: want a text of 0..4096 bytes"},
      {"no runtime digest", log_of({without(boot_event(), "runtime_digest")}),
       "cannot read event log: cannot read $.event_log[0].runtime_digest: missing, want sha256: and 64 lower-case hex "
       "digits"},
      {"privileged is no bool", log_of({boot_event(), with(deploy_event(), "/privileged", "yes")}),
       "cannot read event log: cannot read $.event_log[1].privileged: want true or false"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto facts = log_facts(c.log);
    REQUIRE_FALSE(facts.has_value());
    CHECK(facts.error().message == c.message);
  }
}
