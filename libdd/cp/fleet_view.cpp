#include "libdd/cp/fleet_view.hpp"

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/core/rfc3339.hpp"

namespace dd::cp {
namespace {

/// The policy's verdict as it is kept with the record; `ok` is false when there is none.
struct Judged {
  bool ok = false;
  bool accepted = false;
  bool tofu = false;
  std::vector<web::RuleRow> rules;
  std::vector<std::string> notes;
};

web::RuleRow rule_of(const Json& value) {
  ObjectReader reader(value, "$");
  web::RuleRow row;
  row.rule = reader.text("rule");
  row.explanation = reader.text("explanation");
  row.outcome = reader.required_boolean("passed") ? "ok" : reader.text("mode") == "warn" ? "warn" : "FAIL";
  return row;
}

Judged judged(const std::string& verdict) {
  const auto value = parse_json(verdict);
  if (!value) return {};
  ObjectReader reader(*value, "$");
  Judged out;
  out.accepted = reader.required_boolean("accepted");
  out.tofu = reader.boolean("tofu", false);
  out.notes = reader.texts("notes", 64);
  const auto* rules = reader.array("rules", 64);
  out.ok = !reader.error();
  if (out.ok)
    for (const auto& rule : *rules) out.rules.push_back(rule_of(rule));
  return out;
}

}  // namespace

web::AgentRow row_of(const AgentRecord& record, std::string url) {
  const auto verdict = judged(record.verdict);
  web::AgentRow row;
  row.agent_id = record.agent_id;
  row.vm_name = record.vm_name;
  row.hostname = record.hostname;
  row.url = std::move(url);
  row.status = to_string(record.status);
  row.reason = record.reason;
  row.attestation = record.compat ? "NOT ATTESTED" : record.pins.simulated ? "SIMULATED" : "TDX";
  if (!record.tcb_status.empty()) row.attestation += ", TCB " + record.tcb_status;
  row.verdict = !verdict.ok || !verdict.accepted ? "not accepted" : verdict.tofu ? "accepted on first use" : "accepted";
  for (const auto& rule : verdict.rules)
    if (rule.outcome != "ok") row.remarks.push_back(rule.explanation);
  row.remarks.insert(row.remarks.end(), verdict.notes.begin(), verdict.notes.end());
  return row;
}

std::vector<web::RuleRow> rules_of(const AgentRecord& record) { return judged(record.verdict).rules; }

std::string time_text(std::int64_t unix_seconds) {
  return unix_seconds == 0 ? std::string() : to_rfc3339(unix_seconds);
}

}  // namespace dd::cp
