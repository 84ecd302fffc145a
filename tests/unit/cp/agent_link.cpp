// One poll: what the answer must prove. The rows that need a whole fleet are in tests/integration/trust/live_rows.cpp.
#include "libdd/cp/agent_link.hpp"

#include <doctest/doctest.h>

#include "libdd/attest/policy_file.hpp"
#include "tests/unit/cp/vm.hpp"

using namespace dd;
using namespace dd::cp;

namespace {

struct Polled : Room {
  Vm vm{*this};

  Polled() { vm.join(); }
  PollOutcome poll() { return run(link.poll(*store.find(vm.agent_id))); }
  /// What a proven poll found is the base of the next one.
  void poll_and_keep() {
    auto outcome = poll();
    REQUIRE_MESSAGE(outcome.finding == Finding::proven, outcome.reason);
    must(store.save(std::move(outcome.record)));
  }
  void check(Finding finding, std::string_view why) {
    const auto outcome = poll();
    CAPTURE(outcome.reason);
    CHECK(static_cast<int>(outcome.finding) == static_cast<int>(finding));
    CHECK(outcome.reason.find(why) != std::string::npos);
    CHECK(outcome.record.quoted_events == store.find(vm.agent_id)->quoted_events);
    CHECK(outcome.record.log_head == store.find(vm.agent_id)->log_head);
  }
  void check_refused(std::string_view why) { check(Finding::refused, why); }
  void grow(int events) {
    for (int i = 0; i < events; ++i) vm.add_event({{"type", "deploy"}, {"app_name", "app"}, {"id", std::to_string(i)}});
  }
};

/// That lets in what the record shows.
Policy policy_for(const AgentRecord& record, bool with_boot_workloads) {
  attest::PolicyValues values;
  values.mrtd = {record.pins.report.mrtd};
  for (std::size_t i = 0; i < values.rtmr.size(); ++i) values.rtmr[i] = {record.pins.report.rtmr[i]};
  values.tcb_status = {record.pins.tcb_status};
  values.agent_digest = {record.facts.agent_digest};
  values.connector_digest = {record.facts.connector_digest};
  values.owner_id = record.facts.owner_id;
  values.cp_origin = record.facts.cp_origin;
  if (with_boot_workloads) values.boot_workloads = record.facts.boot_workloads;
  return Policy::parse(attest::policy_file(values).value()).value();
}

}  // namespace

TEST_CASE("a proof that says something else than what was polled is refused") {
  using Proof = protocol::ProofClaims;
  const struct {
    std::string why;
    std::function<void(Proof&)> bend;
  } cases[] = {
      {"another challenge", [](Proof& p) { p.nonce[31] ^= std::byte{1}; }},
      {"of agent", [](Proof& p) { p.issuer += "0"; }},
      {"aud", [](Proof& p) { p.audience = "https://evil.example"; }},
      {"in the future", [](Proof& p) { p.issued_at += 61; }},
      {"another token", [](Proof& p) { p.token_sha256[0] ^= std::byte{1}; }},
      {"body", [](Proof& p) { p.body_sha256[0] ^= std::byte{1}; }},
      {"another log head", [](Proof& p) { p.log_head[0] ^= std::byte{1}; }},
      {"another boot", [](Proof& p) { p.boot_id = "ffffffffffffffffffffffffffffffff"; }},
  };
  for (const auto& c : cases) {
    CAPTURE(c.why);
    Polled f;
    f.vm.bend_proof = c.bend;
    f.check_refused(c.why);
  }
}

TEST_CASE("a health answer under a good proof is still compared with what was registered") {
  using Health = protocol::AgentHealth;
  const struct {
    std::string why;
    std::function<void(Health&)> bend;
  } cases[] = {
      {"another boot", [](Health& h) { h.boot_id = "ffffffffffffffffffffffffffffffff"; }},
      {"of another agent", [](Health& h) { h.agent_id = "dd-test-agent-0"; }},
      {"is not the registration's", [](Health& h) { h.ita_token = "a.b.c"; }},
      {"$.binding.tag", [](Health& h) { h.binding.tag = kAttestTag; }},
  };
  for (const auto& c : cases) {
    CAPTURE(c.why);
    Polled f;
    if (c.why.starts_with("is not the")) {
      const RegisterBinding other{};
      const auto token = f.vm.token_for(bound_data(other));
      f.vm.bend_health = [token](Health& h) { h.ita_token = token; };
    } else {
      f.vm.bend_health = c.bend;
    }
    f.check_refused(c.why);
  }
}

TEST_CASE("no answer, another status and an answer without proof say nothing about the agent") {
  const struct {
    std::string why;
    Result<HttpResponse> answer;
  } cases[] = {
      {"timed out", fail(ErrorCode::deadline_exceeded, "cannot finish request: timed out")},
      {"status 502", test::http_answer(502, "bad gateway")},
      {"status 530", test::http_answer(530, "<html>")},
      {"status 302", test::http_answer(302, "")},
      {"no proof", test::http_answer(200, R"({"ok":true})")},
      {"no proof", test::http_answer(200, "not even JSON")},
  };
  for (const auto& c : cases) {
    CAPTURE(c.why);
    Polled f;
    f.agents[f.vm.hostname] = [&c](const HttpRequest&) { return c.answer; };
    f.check(Finding::unreachable, c.why);
  }
}

TEST_CASE("a proof over something that is no health answer is refused") {
  Polled f;
  const auto honest = f.agents[f.vm.hostname];
  f.agents[f.vm.hostname] = [honest](const HttpRequest& request) {
    auto response = honest(request);
    response->body = "{}";
    return response;
  };
  f.check_refused("$.");
}

TEST_CASE("while the token issuer is down nothing is known, and a token that ran out is expired") {
  Polled f;
  SUBCASE("down") {
    Room after({}, f.registry);  // without a cached key set
    after.issuer.down = true;
    after.agents = f.agents;
    const auto outcome = after.run(after.link.poll(*after.store.find(f.vm.agent_id)));
    CAPTURE(outcome.reason);
    // The other process's control-plane key signed the poll; this agent double does not ask whose it is.
    CHECK(static_cast<int>(outcome.finding) == static_cast<int>(Finding::unreachable));
  }
  SUBCASE("expired to the second") {
    f.clock.advance(std::chrono::seconds(359));
    CHECK(f.poll().finding == Finding::proven);
    f.clock.advance(std::chrono::seconds(2));
    f.check(Finding::expired, "exp");
  }
}

TEST_CASE("the log is read in pages up to the head that was signed") {
  Polled f;
  f.grow(10);
  f.vm.page_size = 3;
  f.vm.refresh_at_next_poll(13);
  f.poll_and_keep();
  CHECK(f.store.find(f.vm.agent_id)->log_length == 13);
  CHECK(f.store.find(f.vm.agent_id)->log_head == f.vm.log.head());
  CHECK(f.store.find(f.vm.agent_id)->quoted_events == 13);

  SUBCASE("and the next poll asks for nothing twice") {
    f.vm.bend_health = [](protocol::AgentHealth& health) { CHECK(health.log.events.empty()); };
    f.poll_and_keep();
  }
}

TEST_CASE("a log that is shorter than what was shown before is refused") {
  Polled f;
  f.grow(2);
  f.poll_and_keep();  // five events shown, three quoted
  f.vm.bend_health = [&f](protocol::AgentHealth& health) {
    health.log.total = 4;
    health.log.head = f.vm.log.head_at(4);
    health.log.events.pop_back();
  };
  f.check_refused("shorter than before");
}

TEST_CASE("a page that does not fit is refused") {
  using Page = protocol::LogPage;
  const struct {
    std::string why;
    std::function<void(Page&)> bend;
  } cases[] = {
      {"asked from", [](Page& p) { p.from = 0; }},
      {"ends before its own total", [](Page& p) { p.events.clear(); }},
      {"index", [](Page& p) { p.events[0] = R"({"index":0,"type":"stop"})"; }},
      {"does not replay", [](Page& p) { p.events[0] = R"({"index":6,"type":"stop"})"; }},
  };
  for (const auto& c : cases) {
    CAPTURE(c.why);
    Polled f;
    f.grow(5);
    f.vm.page_size = 3;
    f.vm.bend_page = c.bend;
    f.check_refused(c.why);
  }
}

TEST_CASE("events that grow while the pages are read do no harm") {
  Polled f;
  f.grow(5);
  f.vm.page_size = 3;
  f.vm.bend_page = [&f](protocol::LogPage& page) {
    f.grow(1);
    page.events.push_back(f.vm.log.events().back());
    page.total = f.vm.log_size();
    page.head = f.vm.log.head();
  };
  f.vm.refresh_at_next_poll(8);
  f.poll_and_keep();
  CHECK(f.store.find(f.vm.agent_id)->log_length == 9);
}

TEST_CASE("an agent that falls silent between two pages is unreachable") {
  Polled f;
  f.grow(5);
  f.vm.page_size = 3;
  const auto honest = f.agents[f.vm.hostname];
  f.agents[f.vm.hostname] = [honest](const HttpRequest& request) -> Result<HttpResponse> {
    if (request.url.find("/log?") != std::string::npos) return fail(ErrorCode::unavailable, "cannot connect");
    return honest(request);
  };
  f.check(Finding::unreachable, "cannot connect");
}

TEST_CASE("an event that was shown before and is another now is refused") {
  Polled f;
  f.grow(2);
  f.poll_and_keep();  // five events shown, three quoted
  EventLog other;
  for (int i = 0; i < 3; ++i) {
    auto event = parse_json(f.vm.log.events()[static_cast<std::size_t>(i)]).value();
    event.erase("index");
    REQUIRE(other.append(event).has_value());
  }
  f.vm.log = other;
  f.grow(1);
  f.vm.add_event({{"type", "deploy"}, {"app_name", "hidden"}});
  f.check_refused("have changed");
}

TEST_CASE("a log that claims more events than one may have is refused") {
  Polled f;
  f.vm.bend_health = [](protocol::AgentHealth& health) { health.log.total = 4097; };
  f.check_refused("0..4096");
}

TEST_CASE("a refreshed token is bound to a poll's nonce, the agent, its key and the log") {
  Polled f;
  f.grow(2);
  SUBCASE("all as it should be") {
    f.vm.refresh_at_next_poll(5);
    f.poll_and_keep();
    CHECK(f.store.find(f.vm.agent_id)->quoted_events == 5);
  }
  SUBCASE("with the last event logged and not extended yet") {
    const auto before = to_hex(f.vm.log.head_at(4));
    f.vm.refresh_at_next_poll(5, {{"tdx_rtmr3", before}});
    f.poll_and_keep();
  }
  SUBCASE("with an RTMR3 from elsewhere") {
    f.vm.refresh_at_next_poll(5, {{"tdx_rtmr3", to_hex(f.vm.log.head_at(3))}});
    f.check_refused("RTMR3");
  }
  SUBCASE("with other report data") {
    f.vm.refresh_at_next_poll(5, {{"tdx_report_data", std::string(128, 'a')}});
    f.check_refused("REPORTDATA");
  }
  SUBCASE("with a count of events that is not the one quoted") {
    f.vm.refresh_at_next_poll(5);
    f.vm.bend_health = [](protocol::AgentHealth& health) { health.binding.quoted_events = 4; };
    f.check_refused("REPORTDATA");
  }
  SUBCASE("with a nonce of another agent") {
    f.vm.refresh_at_next_poll(5);
    f.vm.bend_health = [&f](protocol::AgentHealth& health) {
      health.binding.nonce = f.nonces.for_poll("dd-test-agent-0");
    };
    f.check_refused("nonce");
  }
  SUBCASE("with a registration's nonce") {
    f.vm.refresh_at_next_poll(5);
    f.vm.bend_health = [&f](protocol::AgentHealth& health) { health.binding.nonce = f.nonces.for_register(); };
    f.check_refused("nonce");
  }
}

TEST_CASE("a refreshed token never stands on a shorter log than the one before") {
  Polled f;
  f.grow(2);
  f.vm.refresh_at_next_poll(5);
  f.poll_and_keep();
  f.vm.refresh_at_next_poll(4);
  f.check_refused("shorter than the last accepted one");
}

TEST_CASE("a token may be bound to a poll of the last two refresh intervals and a minute, and to no older one") {
  Polled f;
  f.vm.refresh_at_next_poll(3, {{"exp", f.clock.unix_seconds() + 3000}});
  f.poll_and_keep();
  f.clock.advance(2 * f.options.refresh_interval + std::chrono::seconds(60));
  f.poll_and_keep();
  f.clock.advance(std::chrono::milliseconds(1));
  f.check_refused("older");
}

TEST_CASE("measurements that differ from the registration's are drift, by name") {
  Polled f;
  f.vm.refresh_at_next_poll(3, {{"tdx_mrtd", std::string(96, 'f')}});
  f.check_refused("drift: mrtd was a2a2");
}

TEST_CASE("what the policy refuses now is refused although it was accepted at registration") {
  Polled f;
  f.vm.refresh_at_next_poll(3, {{"attester_tcb_status", "OutOfDate"}});
  f.check_refused("policy: ");
}

TEST_CASE("a privileged deployment stays in the verdict after the poll that showed it") {
  Polled f;
  f.vm.add_event({{"type", "deploy"}, {"app_name", "root"}, {"privileged", true}});
  f.poll_and_keep();
  CHECK(f.store.find(f.vm.agent_id)->facts.privileged);
  f.poll_and_keep();
  CHECK(f.store.find(f.vm.agent_id)->facts.privileged);
}

TEST_CASE("what boots later than the agent is judged by the next poll, and kept") {
  Polled f;
  const Json late = {{"type", "workload"},
                     {"app_name", "spy"},
                     {"digest", digest_text('8')},
                     {"cmd", {"spy"}},
                     {"env", {{"LD_PRELOAD", "/x.so"}}}};
  SUBCASE("by the list of what boots") {
    f.policy = policy_for(*f.store.find(f.vm.agent_id), true);
    f.poll_and_keep();
    auto plain = late;
    plain["env"] = Json::object();
    f.vm.add_event(plain);
    f.check_refused("boot_workloads has spy " + digest_text('8'));
  }
  SUBCASE("by the settings that choose code") {
    f.policy = policy_for(*f.store.find(f.vm.agent_id), false);
    f.poll_and_keep();
    f.vm.add_event(late);
    f.check_refused("trust_settings is spy.LD_PRELOAD=/x.so");
  }
  SUBCASE("once") {
    const auto before = f.store.find(f.vm.agent_id)->facts.boot_workloads.size();
    f.vm.add_event(late);
    for (int i = 0; i < 2; ++i) f.poll_and_keep();
    CHECK(f.store.find(f.vm.agent_id)->facts.boot_workloads.size() == before + 1);
    CHECK(f.store.find(f.vm.agent_id)->facts.trust_settings == "spy.LD_PRELOAD=/x.so");
  }
  SUBCASE("and no more of it than can be kept") {
    auto long_named = late;
    long_named["app_name"] = std::string(600, 'a');
    f.vm.add_event(long_named);
    f.check_refused("cannot keep boot workload");
  }
}

TEST_CASE("a proof's number is used up, and the next poll needs another") {
  Polled f;
  f.poll_and_keep();
  f.vm.bend_proof = [](protocol::ProofClaims& proof) { proof.seq = 0; };
  f.check_refused("call number 0");
}

TEST_CASE("an agent is polled under the scheme and port of the control plane's own origin") {
  Room f;
  const struct {
    const char* origin;
    const char* url;
  } rows[] = {{"https://app.dd.example", "https://a.dd.example"},
              {"https://app.dd.example:8443", "https://a.dd.example:8443"},
              {"http://app.dd.localhost:8080", "http://a.dd.example:8080"}};
  for (const auto& row : rows) {
    f.context.origin = row.origin;
    CHECK(f.context.agent_url("a.dd.example") == row.url);
  }
}
