// ddctl policy from-vm VM: the policy that lets in VMs like this one.
#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>

#include "libdd/attest/policy_file.hpp"
#include "libdd/cli/evidence_check.hpp"
#include "libdd/cli/output.hpp"
#include "libdd/cli/verbs.hpp"

namespace dd::cli {
namespace {

template <class T>
void add_once(std::vector<T>& values, const T& value) {
  if (std::ranges::find(values, value) == values.end()) values.push_back(value);
}

/// Errors: conflict when it is another owner's, or another control plane's, than those before.
Result<void> add_vm(attest::PolicyValues& values, const Findings& findings) {
  const auto& report = findings.claims.report;
  const auto& facts = findings.facts;
  add_once(values.mrtd, report.mrtd);
  for (std::size_t i = 0; i < values.rtmr.size(); ++i) add_once(values.rtmr[i], report.rtmr[i]);
  add_once(values.tcb_status, findings.claims.tcb_status);
  values.simulated = values.simulated || findings.claims.simulated;
  add_once(values.runtime_digest, facts.runtime_digest);
  add_once(values.agent_digest, facts.agent_digest);
  add_once(values.connector_digest, facts.connector_digest);
  add_once(values.trust_settings, facts.trust_settings);
  for (const auto& workload : facts.boot_workloads) add_once(*values.boot_workloads, workload);
  add_once<std::string>(values.boundary, facts.boundary ? "uid" : "none");
  add_once<std::string>(values.privileged, facts.privileged ? "true" : "false");
  const bool first = values.owner_id.empty();
  if (!first && (values.owner_id != facts.owner_id || values.cp_origin != facts.cp_origin))
    return fail(ErrorCode::conflict, "cannot write one policy for VMs of different owners or control planes");
  values.owner_id = facts.owner_id;
  values.cp_origin = facts.cp_origin;
  return {};
}

/// What stays the host's to choose.
void warn(const attest::PolicyValues& values) {
  for (const auto& settings : values.trust_settings)
    if (settings.find("=?") != std::string::npos)
      progress("warning: the log does not say what these are, and any value is let in: " + printable(settings));
}

int from_vm(const Invocation& invocation, const std::vector<std::string>& targets) {
  const auto context = load_context(invocation.fleet);
  if (!context) return report(context.error());
  attest::PolicyValues values;
  values.tcb_status.clear();
  values.boot_workloads.emplace();
  for (const auto& target : targets) {
    const auto findings = fetch_and_check(*context, target);
    if (!findings) return report(findings.error());
    if (const auto added = add_vm(values, *findings); !added) return report(added.error());
  }
  const auto text = attest::policy_file(values);
  if (!text) return report(text.error());
  warn(values);
  print_line(text->substr(0, text->size() - 1));
  return 0;
}

}  // namespace

void add_policy(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("policy", "What may be an agent of a fleet: the file that DD_POLICY of dd-cp names.");
  verb->require_subcommand(1);
  auto* from = verb->add_subcommand(
      "from-vm",
      "Fetch fresh evidence from VMs that you trust, verify it, and print the policy that lets in VMs like these: "
      "\nmeasurements, programs, what boots, and whom it believes.\nExample: ddctl policy from-vm vm-1 > policy.json");
  const auto targets = std::make_shared<std::vector<std::string>>();
  from->add_option("agent", *targets, "URLs of agents, or their VM names or ids")->required();
  from->callback(
      [&invocation, targets] { invocation.work = [&invocation, targets] { return from_vm(invocation, *targets); }; });
}

}  // namespace dd::cli
