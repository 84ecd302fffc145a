// ddctl attest URL: fetches evidence over a nonce of ours, verifies it and says what it proves.
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "libdd/cli/evidence_check.hpp"
#include "libdd/cli/verbs.hpp"
#include "libdd/core/json.hpp"

namespace dd::cli {
namespace {

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
          {"trust_settings", findings.facts.trust_settings},
          {"boot_workloads", findings.facts.boot_workloads},
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

int attest(const Invocation& invocation, const std::string& target) {
  const auto context = load_context(invocation.fleet);
  if (!context) return report(context.error());
  const auto findings = fetch_and_check(*context, target);
  if (!findings) return report(findings.error());
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
