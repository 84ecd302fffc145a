#include <doctest/doctest.h>

#include <set>

#include "dd/tunnel.hpp"

using namespace dd;

namespace {

const std::string kAgent = "dd-production-agent-00000000-0000-8000-8000-49ecfea9fc49";
const std::string kAgentHost = kAgent + ".example.com";

std::size_t first_label(const std::string& name) { return name.find('.'); }

}  // namespace

TEST_CASE("a nested hostname puts the label in front of the agent's host") {
  CHECK(*extra_hostname("web", kAgentHost, IngressStyle::nested) == "web." + kAgentHost);
}

TEST_CASE("a flat hostname stays one level below the domain") {
  CHECK(*extra_hostname("web", "agent.example.com", IngressStyle::flat) == "agent-web.example.com");
}

TEST_CASE("a flat hostname that would be too long is shortened with a hash and keeps its label") {
  const auto name = *extra_hostname("openclaw", kAgentHost, IngressStyle::flat);
  CHECK(first_label(name) <= 63);
  CHECK(name == "dd-production-agent-00000000-0000-8000-80-9ec9f921a862-openclaw.example.com");
}

TEST_CASE("flat hostnames fit, and are distinct for distinct agents and labels, at every length") {
  std::set<std::string> seen;
  for (std::size_t agent = 1; agent <= 63; ++agent)
    for (std::size_t label = 1; label <= 32; ++label)
      for (const char c : {'a', 'b'}) {
        const auto host = std::string(agent - 1, 'x') + c + ".example.com";
        const auto name = extra_hostname("l" + std::string(label - 1, '0'), host, IngressStyle::flat);
        REQUIRE(name.has_value());
        CHECK(first_label(*name) <= 63);
        CHECK(name->find("--") == std::string::npos);
        CHECK(seen.insert(*name).second);
      }
}

TEST_CASE("a hostname that cannot be is refused") {
  const std::string long_domain = [] {
    std::string domain = "a";
    while (domain.size() < 240) domain += "." + std::string(30, 'd');
    return domain;
  }();
  const struct {
    const char* name;
    std::string label;
    std::string host;
  } cases[] = {
      {"empty label", "", kAgentHost},
      {"upper case", "Web", kAgentHost},
      {"a dot in the label", "a.b", kAgentHost},
      {"hyphen first", "-a", kAgentHost},
      {"hyphen last", "a-", kAgentHost},
      {"33 characters", std::string(33, 'a'), kAgentHost},
      {"empty host", "web", ""},
      {"no domain", "web", "agent"},
      {"empty part", "web", "agent..com"},
      {"space", "web", "a gent.example.com"},
      {"label of 64", "web", std::string(64, 'a') + ".com"},
      {"over 253", "w2345678901234567890", long_domain},
  };
  for (const auto& c : cases)
    for (const auto style : {IngressStyle::nested, IngressStyle::flat}) {
      CAPTURE(c.name);
      const auto name = extra_hostname(c.label, c.host, style);
      REQUIRE_FALSE(name.has_value());
      CHECK(name.error().code == ErrorCode::invalid_argument);
      CHECK(name.error().message.starts_with("cannot name a host for label \""));
    }
}

TEST_CASE("ingress rules name the workloads first and the agent last") {
  const std::vector<Expose> extras{{"web", 8000, ServiceProtocol::http},
                                   {"tls", 8443, ServiceProtocol::https, "127.0.0.1"},
                                   {"db", 5432, ServiceProtocol::tcp, "::1"}};
  const auto rules = ingress_rules("a.example.com", 8080, extras, IngressStyle::nested);
  const std::vector<IngressRule> want{{"web.a.example.com", "http://127.0.0.1:8000"},
                                      {"tls.a.example.com", "https://127.0.0.1:8443"},
                                      {"db.a.example.com", "tcp://[::1]:5432"},
                                      {"a.example.com", "http://127.0.0.1:8080"}};
  REQUIRE(rules.has_value());
  CHECK(*rules == want);
}

TEST_CASE("ingress rules lead to workloads under another name than the agent's where one is given") {
  const std::vector<Expose> extras{{"web", 8000, ServiceProtocol::http}};
  for (const auto style : {IngressStyle::nested, IngressStyle::flat}) {
    const auto rules = ingress_rules("a.example.com", 8080, extras, style, "a.example.net");
    REQUIRE(rules.has_value());
    CHECK(rules->front().hostname == (style == IngressStyle::nested ? "web.a.example.net" : "a-web.example.net"));
    CHECK(rules->back().hostname == "a.example.com");
  }
}

TEST_CASE("ingress rules that would shadow each other or lead nowhere are refused") {
  const struct {
    const char* name;
    std::vector<Expose> extras;
    std::uint16_t port;
    const char* message;
  } cases[] = {
      {"a label twice",
       {{"web", 1}, {"web", 2}},
       8080,
       "cannot route \"web.a.example.com\": two rules have this hostname"},
      {"port 0", {{"web", 0}}, 8080, "cannot route \"web.a.example.com\": port 0, want 1..65535"},
      {"agent on port 0", {}, 0, "cannot route \"a.example.com\": port 0, want 1..65535"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto rules = ingress_rules("a.example.com", c.port, c.extras, IngressStyle::nested);
    REQUIRE_FALSE(rules.has_value());
    CHECK(rules.error().message == c.message);
  }
}
