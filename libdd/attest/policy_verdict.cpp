// What a policy says of one VM, and why.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "dd/policy.hpp"
#include "libdd/attest/policy_rules.hpp"

namespace dd {
namespace {

constexpr std::size_t kMostListed = 3;
constexpr std::size_t kMostShown = 256;  // what the log says is foreign text

std::string shown(const std::string& text) {
  if (text.empty()) return "missing";
  auto out = text.substr(0, kMostShown);
  std::ranges::replace_if(out, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text.size() > kMostShown ? out + "..." : out;
}

std::string listed(const std::vector<std::string>& values) {
  if (values.empty()) return "nothing";
  std::string text;
  for (std::size_t i = 0; i < std::min(values.size(), kMostListed); ++i) text += (i == 0 ? "" : ", ") + values[i];
  if (values.size() > kMostListed) text += " and " + std::to_string(values.size() - kMostListed) + " more";
  return text;
}

std::vector<std::string> all_shown(std::vector<std::string> texts) {
  for (auto& text : texts) text = shown(text);
  return texts;
}

std::string actual_of(std::string_view rule, const TdxClaims& claims, const LogFacts& facts) {
  const auto& report = claims.report;
  if (rule == "mrtd") return to_hex(report.mrtd);
  if (rule == "rtmr0") return to_hex(report.rtmr[0]);
  if (rule == "rtmr1") return to_hex(report.rtmr[1]);
  if (rule == "rtmr2") return to_hex(report.rtmr[2]);
  if (rule == "mrseam") return to_hex(report.mrseam);
  if (rule == "platform_id") return to_hex(report.mrconfigid);
  if (rule == "tcb_status") return claims.tcb_status;
  if (rule == "debug") return claims.debug || report.debug() ? "true" : "false";
  if (rule == "agent_digest") return facts.agent_digest;
  if (rule == "connector_digest") return facts.connector_digest;
  if (rule == "runtime_digest") return facts.runtime_digest;
  if (rule == "owner_id") return facts.owner_id;
  if (rule == "cp_origin") return facts.cp_origin;
  if (rule == "trust_settings") return facts.trust_settings;
  if (rule == "boot_workloads") return listed(all_shown(facts.boot_workloads));
  if (rule == "boundary") return facts.boundary ? "uid" : "none";
  if (rule == "privileged") return facts.privileged ? "true" : "false";
  return {};
}

void refuse_rule(RuleVerdict& verdict, const char* explanation) {
  verdict.passed = false;
  verdict.mode = RuleMode::enforce;
  verdict.explanation = explanation;
}

/// Each of them must be allowed, and none must be there.
void judge_boot_workloads(const PolicyRule& rule, const LogFacts& facts, RuleVerdict& verdict) {
  std::vector<std::string> others;
  for (const auto& workload : facts.boot_workloads)
    if (std::ranges::find(rule.allow, workload) == rule.allow.end()) others.push_back(shown(workload));
  verdict.passed = others.empty();
  verdict.explanation = verdict.passed ? "boot_workloads are allowed"
                                       : "boot_workloads has " + listed(others) + ", allowed: " + listed(rule.allow);
}

RuleVerdict judge(const std::string& name, const PolicyRule& rule, const TdxClaims& claims, const LogFacts& facts) {
  RuleVerdict verdict;
  verdict.rule = name;
  verdict.mode = rule.mode;
  verdict.actual = actual_of(name, claims, facts);
  // An absent value is empty, which no policy file can allow; only tofu does, for an owner who is named by login alone.
  verdict.passed = std::ranges::find(rule.allow, verdict.actual) != rule.allow.end();
  verdict.explanation = verdict.passed ? name + " is allowed"
                                       : name + " is " + shown(verdict.actual) + ", allowed: " + listed(rule.allow);
  if (name == "boot_workloads") judge_boot_workloads(rule, facts, verdict);
  if (name == "tcb_status" && verdict.actual == attest::kRevoked)
    refuse_rule(verdict, "tcb_status is Revoked, which no policy may allow");
  // Only the simulator may have the bit, which proves nothing of hardware anyway.
  if (name == "debug" && verdict.actual == "true" && !claims.simulated)
    refuse_rule(verdict, "debug is true: the host can read and change this TD");
  return verdict;
}

std::vector<std::string> notes_for(const TdxClaims& claims, const LogFacts& facts) {
  std::vector<std::string> notes;
  if (claims.simulated) notes.push_back("simulated evidence: it proves nothing about hardware");
  if (!facts.boundary)
    notes.push_back("no boundary: workloads run under the agent's own uid, so each of them can impersonate the agent");
  if (facts.privileged)
    notes.push_back(
        "something privileged was started, or was given the runtime's token: this workload can impersonate the agent");
  if (!facts.rtmr3_extended)
    notes.push_back("RTMR3 not extended by this kernel: the log is vouched for by REPORTDATA only");
  return notes;
}

}  // namespace

std::string Verdict::summary() const {
  std::string text;
  for (const auto& rule : rules)
    if (!rule.passed && rule.mode == RuleMode::enforce) text += (text.empty() ? "" : "; ") + rule.explanation;
  return text.empty() ? "every enforced rule passed" : text;
}

nlohmann::json to_json_value(const Verdict& verdict) {
  auto rules = nlohmann::json::array();
  for (const auto& rule : verdict.rules)
    rules.push_back({{"rule", rule.rule},
                     {"passed", rule.passed},
                     {"mode", rule.mode == RuleMode::warn ? "warn" : "enforce"},
                     {"actual", rule.actual},
                     {"explanation", rule.explanation}});
  return {
      {"accepted", verdict.accepted}, {"tofu", verdict.tofu}, {"rules", std::move(rules)}, {"notes", verdict.notes}};
}

Verdict Policy::appraise(const TdxClaims& claims, const LogFacts& facts) const {
  Verdict verdict;
  verdict.accepted = true;
  verdict.tofu = tofu_;
  for (const auto& [name, rule] : rules_) {
    auto judged = judge(name, rule, claims, facts);
    if (!judged.passed && judged.mode == RuleMode::enforce) verdict.accepted = false;
    verdict.rules.push_back(std::move(judged));
  }
  verdict.notes = notes_for(claims, facts);
  return verdict;
}

}  // namespace dd
