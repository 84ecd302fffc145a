// ddctl attest URL: fetches evidence over a nonce of ours, verifies it and says what it proves.
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "dd/event_log.hpp"
#include "dd/random.hpp"
#include "dd/report_data.hpp"
#include "libdd/cli/verbs.hpp"
#include "libdd/core/json.hpp"
#include "libdd/ita/verifier.hpp"
#include "libdd/net/blocking.hpp"
#include "libdd/net/http_client.hpp"
#include "libdd/net/url.hpp"
#include "libdd/protocol/fleet.hpp"

namespace dd::cli {
namespace {

constexpr std::size_t kNonceSize = 32;

/// What was checked, in order; the first failure ends it.
struct Findings {
  std::vector<std::pair<std::string, std::string>> passed;  // check, what it showed
  TdxClaims claims;
  LogFacts facts;
};

tl::unexpected<Error> rejected(const std::string& what) {
  return fail(ErrorCode::permission_denied, "rejected", "cannot accept evidence: " + what);
}

Result<TdxClaims> verify_token(const FleetContext& context, const std::string& token) {
  net::HttpClientOptions client;
  client.ca_file = context.ca_file;
  const auto transport = net::make_http_transport(client);
  ita::VerifierOptions options;
  options.issuer = context.ita_issuer;
  options.jwks_url = context.ita_jwks_url;
  options.simulated = context.simulated;
  if (context.simulated) options.attester_type = "TDX-SIMULATED";
  return net::run_blocking([&]() -> net::Task<Result<TdxClaims>> {
    auto executor = co_await net::this_executor();
    ita::Verifier verifier(std::move(executor), transport, system_clock(), options);
    co_return co_await verifier.verify(token);
  });
}

Result<Findings> check(const FleetContext& context, const protocol::Evidence& evidence, ByteView nonce) {
  Findings findings;
  if (!std::ranges::equal(evidence.nonce, nonce)) return rejected("it answers another nonce");
  const auto quote = Quote::parse(evidence.quote);
  if (!quote) return rejected(quote.error().message);
  findings.passed.emplace_back("quote", "TDX version " + std::to_string(quote->header().version));
  EventLog log;
  if (auto replayed = log.append_foreign(std::span<const std::string>(evidence.log.events)); !replayed)
    return rejected(replayed.error().message);
  if (static_cast<std::int64_t>(log.size()) != evidence.quoted_events)
    return rejected("the event log is not the one that was quoted");
  const AttestBinding binding{Bytes(nonce.begin(), nonce.end()), evidence.signing_key.spki(),
                              evidence.sealing_key.spki(), log.head()};
  if (report_data_of(bound_data(binding)) != quote->report().report_data)
    return rejected("REPORTDATA is not made of this nonce, these keys and this event log");
  findings.passed.emplace_back("report data",
                               "bound to our nonce, the VM's keys and " + std::to_string(log.size()) + " events");
  auto claims = verify_token(context, evidence.ita_token);
  if (!claims) return wrap(claims.error(), "cannot accept evidence");
  if (claims->report.report_data != quote->report().report_data || claims->report.mrtd != quote->report().mrtd)
    return rejected("the token is of another quote");
  findings.passed.emplace_back("token", "issued by " + claims->issuer + ", TCB status " + claims->tcb_status);
  auto facts = log_facts(log);
  if (!facts) return rejected(facts.error().message);
  if (facts->rtmr3_extended && claims->report.rtmr[3] != log.head())
    return rejected("RTMR3 does not replay to the event log");
  findings.passed.emplace_back("event log", facts->rtmr3_extended
                                                ? "replays to RTMR3"
                                                : "vouched for by REPORTDATA alone: this kernel does not extend RTMR3");
  findings.claims = *std::move(claims);
  findings.facts = *std::move(facts);
  return findings;
}

Json findings_json(const Findings& findings) {
  Json checks = Json::array();
  for (const auto& [check, shown] : findings.passed) checks.push_back({{"check", check}, {"shows", shown}});
  Json rtmr = Json::array();
  for (const auto& measurement : findings.claims.report.rtmr) rtmr.push_back(to_hex(measurement));
  return {{"verified", true},
          {"simulated", findings.claims.simulated},
          {"checks", std::move(checks)},
          {"mrtd", to_hex(findings.claims.report.mrtd)},
          {"rtmr", std::move(rtmr)},
          {"tcb_status", findings.claims.tcb_status},
          {"runtime_digest", findings.facts.runtime_digest},
          {"agent_digest", findings.facts.agent_digest},
          {"connector_digest", findings.facts.connector_digest},
          {"boundary", findings.facts.boundary},
          {"privileged", findings.facts.privileged}};
}

void print(const Findings& findings) {
  if (findings.claims.simulated) print_line("SIMULATED: this proves nothing about hardware");
  for (const auto& [check, shown] : findings.passed)
    print_line("ok    " + check + std::string(14 - check.size(), ' ') + printable(shown));
  print_line("MRTD      " + to_hex(findings.claims.report.mrtd));
  print_line("runtime   " + printable(findings.facts.runtime_digest));
  print_line("agent     " + printable(findings.facts.agent_digest));
  print_line("connector " + printable(findings.facts.connector_digest));
  if (!findings.facts.boundary) print_line("note  no boundary: every workload can impersonate the agent");
  if (findings.facts.privileged)
    print_line(
        "note  something privileged was started, or was given the runtime's token: it can impersonate the agent");
}

/// "https://host/anything" or a name that the fleet knows.
Result<std::string> hostname_in(const FleetClient& client, const std::string& target) {
  if (target.find("://") != std::string::npos) {
    const auto url = net::parse_url(target);
    if (!url) return tl::unexpected(url.error());
    return url->host;
  }
  const auto agent = client.find_agent(target);
  if (!agent) return tl::unexpected(agent.error());
  return agent->hostname;
}

int attest(const Invocation& invocation, const std::string& target) {
  const auto context = load_context(invocation.fleet);
  if (!context) return report(context.error());
  const auto client = connect(*context);
  if (!client) return report(client.error());
  const auto hostname = hostname_in(*client, target);
  if (!hostname) return report(hostname.error());
  std::array<std::byte, kNonceSize> nonce{};
  system_random().fill(nonce);
  const auto text = client->evidence(*hostname, nonce);
  if (!text) return report(text.error());
  const auto value = parse_json(*text, {.max_bytes = 16 * 1024 * 1024});
  if (!value) return report(value.error());
  const auto evidence = protocol::evidence_from(*value);
  if (!evidence) return report(evidence.error());
  const auto findings = check(*context, *evidence, nonce);
  if (!findings) {
    static_cast<void>(report(findings.error()));
    return findings.error().code == ErrorCode::unavailable ? 1 : kRejected;
  }
  if (invocation.format() == Format::json)
    print_json(findings_json(*findings));
  else
    print(*findings);
  return 0;
}

}  // namespace

void add_attest(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand(
      "attest",
      "Fetch fresh evidence from an agent, verify it and say what it proves.\nExample: ddctl attest vm-1\n"
      "Example: ddctl attest https://dd-production-agent-….example.com -o json");
  const auto target = std::make_shared<std::string>();
  verb->add_option("agent", *target, "URL of an agent, or its VM name or id")->required();
  verb->callback(
      [&invocation, target] { invocation.work = [&invocation, target] { return attest(invocation, *target); }; });
}

}  // namespace dd::cli
