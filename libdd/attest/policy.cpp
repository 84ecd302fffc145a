#include "dd/policy.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"

namespace dd {
namespace {

constexpr std::size_t kMaxValues = 1024;
constexpr std::string_view kRevoked = "Revoked";  // never acceptable, whatever a policy says

/// What a rule compares, and how its values must look.
struct RuleKind {
  std::string_view name;
  bool required;
  std::size_t hex_digits;  // 0: any text
};

constexpr std::array kKinds = {
    RuleKind{"mrtd", true, 96},
    RuleKind{"rtmr0", true, 96},
    RuleKind{"rtmr1", true, 96},
    RuleKind{"rtmr2", true, 96},
    RuleKind{"tcb_status", true, 0},
    RuleKind{"debug", true, 0},
    RuleKind{"agent_digest", true, 0},
    RuleKind{"connector_digest", true, 0},
    RuleKind{"owner_id", true, 0},
    RuleKind{"cp_origin", true, 0},
    RuleKind{"mrseam", false, 96},
    RuleKind{"platform_id", false, 96},
    RuleKind{"runtime_digest", false, 0},
};

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
  return {};
}

std::string listed(const std::vector<std::string>& values) {
  if (values.empty()) return "nothing";
  std::string text;
  for (const auto& value : values) text += (text.empty() ? "" : ", ") + value;
  return text;
}

RuleVerdict judge(std::string_view name, const PolicyRule& rule, const TdxClaims& claims, const LogFacts& facts) {
  RuleVerdict verdict;
  verdict.rule = name;
  verdict.mode = rule.mode;
  verdict.actual = actual_of(name, claims, facts);
  verdict.passed = std::find(rule.allow.begin(), rule.allow.end(), verdict.actual) != rule.allow.end();
  verdict.explanation = verdict.passed ? verdict.rule + " is allowed" : verdict.rule + " is " + (verdict.actual.empty() ? "missing" : verdict.actual) + ", allowed: " + listed(rule.allow);
  if (name == "tcb_status" && verdict.actual == kRevoked) {
    verdict.passed = false;
    verdict.mode = RuleMode::enforce;
    verdict.explanation = "tcb_status is Revoked, which no policy may allow";
  }
  // A debug TD is readable by its host; only the simulator, which proves nothing anyway, may say so.
  if (name == "debug" && verdict.actual == "true" && !claims.simulated) {
    verdict.passed = false;
    verdict.mode = RuleMode::enforce;
    verdict.explanation = "debug is true: the host can read and change this TD";
  }
  return verdict;
}

std::vector<std::string> notes_for(const TdxClaims& claims, const LogFacts& facts) {
  std::vector<std::string> notes;
  if (claims.simulated) notes.push_back("simulated evidence: it proves nothing about hardware");
  if (!facts.boundary) notes.push_back("no boundary: the runtime does not run as root, so every workload can impersonate the agent");
  if (facts.privileged) notes.push_back("something privileged was started: this workload can impersonate the agent");
  if (!facts.rtmr3_extended) notes.push_back("RTMR3 is not extended by this kernel: REPORTDATA alone vouches for the event log");
  return notes;
}

Result<PolicyRule> read_rule(const Json& value, const std::string& path, const RuleKind& kind) {
  ObjectReader reader(value, path);
  PolicyRule rule;
  rule.allow = reader.texts("allow", kMaxValues);
  const auto mode = reader.optional_text("mode").value_or("enforce");
  reader.refuse_unknown();
  if (reader.error()) return tl::unexpected(*reader.error());
  if (mode != "enforce" && mode != "warn") return fail_at(ErrorCode::invalid_argument, path + ".mode", "cannot use policy: mode is \"" + mode + "\", want enforce or warn");
  rule.mode = mode == "warn" ? RuleMode::warn : RuleMode::enforce;
  for (std::size_t i = 0; i < rule.allow.size(); ++i) {
    const auto where = path + ".allow[" + std::to_string(i) + "]";
    const auto& text = rule.allow[i];
    if (kind.hex_digits != 0 && (text.size() != kind.hex_digits || text.find_first_not_of("0123456789abcdef") != std::string::npos))
      return fail_at(ErrorCode::invalid_argument, where, "cannot use policy: want " + std::to_string(kind.hex_digits) + " lower-case hex digits");
    if (kind.name == "tcb_status" && text == kRevoked) return fail_at(ErrorCode::invalid_argument, where, "cannot use policy: Revoked may never be allowed");
    if (kind.name == "debug" && text != "true" && text != "false") return fail_at(ErrorCode::invalid_argument, where, "cannot use policy: want \"true\" or \"false\"");
  }
  return rule;
}

}  // namespace

std::string Verdict::summary() const {
  std::string text;
  for (const auto& rule : rules)
    if (!rule.passed && rule.mode == RuleMode::enforce) text += (text.empty() ? "" : "; ") + rule.explanation;
  return text.empty() ? "every enforced rule passed" : text;
}

Json to_json_value(const Verdict& verdict) {
  Json rules = Json::array();
  for (const auto& rule : verdict.rules)
    rules.push_back({{"rule", rule.rule}, {"passed", rule.passed}, {"mode", rule.mode == RuleMode::warn ? "warn" : "enforce"},
                     {"actual", rule.actual}, {"explanation", rule.explanation}});
  return {{"accepted", verdict.accepted}, {"tofu", verdict.tofu}, {"rules", std::move(rules)}, {"notes", verdict.notes}};
}

Result<Policy> Policy::parse(std::string_view text) {
  const auto value = parse_json(text);
  if (!value) return tl::unexpected(value.error());
  ObjectReader reader(*value, "$");
  static_cast<void>(reader.integer("version", 1, 1));
  const Json* rules = reader.object("rules");
  reader.refuse_unknown();
  if (reader.error()) return tl::unexpected(*reader.error());

  Policy policy;
  ObjectReader rule_reader(*rules, "$.rules");
  for (const auto& kind : kKinds) {
    const auto name = std::string(kind.name);
    const Json* rule = kind.required ? rule_reader.object(name.c_str()) : rule_reader.find(name.c_str());
    if (rule_reader.error()) return tl::unexpected(*rule_reader.error());
    if (rule == nullptr) continue;
    auto read = read_rule(*rule, "$.rules." + name, kind);
    if (!read) return tl::unexpected(read.error());
    policy.rules_.emplace(name, *std::move(read));
  }
  rule_reader.refuse_unknown();
  if (rule_reader.error()) return tl::unexpected(*rule_reader.error());
  return policy;
}

Policy Policy::tofu(std::string owner_id, std::string cp_origin) {
  Policy policy;
  policy.tofu_ = true;
  policy.rules_.emplace("tcb_status", PolicyRule{{"UpToDate", "SWHardeningNeeded"}, RuleMode::enforce});
  policy.rules_.emplace("debug", PolicyRule{{"false"}, RuleMode::enforce});
  policy.rules_.emplace("owner_id", PolicyRule{{std::move(owner_id)}, RuleMode::enforce});
  policy.rules_.emplace("cp_origin", PolicyRule{{std::move(cp_origin)}, RuleMode::enforce});
  return policy;
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

Json Policy::to_json_value() const {
  Json rules = Json::object();
  for (const auto& [name, rule] : rules_) rules[name] = {{"allow", rule.allow}, {"mode", rule.mode == RuleMode::warn ? "warn" : "enforce"}};
  Json value = {{"version", 1}, {"rules", std::move(rules)}};
  if (tofu_) value["tofu"] = true;
  return value;
}

}  // namespace dd
