#include "dd/policy.hpp"

#include <nlohmann/json.hpp>

#include "libdd/attest/policy_rules.hpp"
#include "libdd/core/json.hpp"

namespace dd {
namespace {

constexpr std::size_t kMaxValues = 1024;

bool valid_mode(std::string_view mode) { return mode == "enforce" || mode == "warn"; }

PolicyRule read_rule(const Json& value, const std::string& path, const attest::RuleKind& kind,
                     std::optional<Error>& problem) {
  ObjectReader reader(value, path);
  PolicyRule rule;
  if (reader.array("allow", kMaxValues) != nullptr) rule.allow = reader.texts("allow", kMaxValues);
  const auto mode = reader.optional_text("mode", {.accepts = valid_mode, .expected = "enforce or warn"});
  if (mode == "warn") rule.mode = RuleMode::warn;
  reader.refuse_unknown();
  for (std::size_t i = 0; i < rule.allow.size(); ++i) {
    auto text = attest::rule_value(kind, rule.allow[i]);
    const auto element = "allow[" + std::to_string(i) + "]";
    if (text)
      rule.allow[i] = *std::move(text);
    else
      reader.problem(element.c_str(), text.error().code, text.error().message);
  }
  problem = reader.error();
  return rule;
}

}  // namespace

Result<Policy> Policy::parse(std::string_view text) {
  const auto value = parse_json(text);
  if (!value) return tl::unexpected(value.error());
  ObjectReader file(*value, "$");
  static_cast<void>(file.integer("version", 1, 1));
  const Json* listed = file.object("rules");
  file.refuse_unknown();
  if (file.error()) return tl::unexpected(*file.error());

  Policy policy;
  ObjectReader rules(*listed, "$.rules");
  for (const auto& kind : attest::rule_kinds()) {
    const auto name = std::string(kind.name);
    const Json* rule = kind.required ? rules.object(name.c_str()) : rules.find(name.c_str());
    if (rule == nullptr && !kind.otherwise.empty())
      policy.rules_.emplace(name, PolicyRule{{std::string(kind.otherwise)}, RuleMode::enforce});
    if (rule == nullptr) continue;
    std::optional<Error> problem;
    policy.rules_.emplace(name, read_rule(*rule, rules.path_of(name.c_str()), kind, problem));
    if (problem) rules.problem(*std::move(problem));
  }
  rules.refuse_unknown();
  if (rules.error()) return tl::unexpected(*rules.error());
  return policy;
}

Policy Policy::tofu(std::vector<std::string> owner_ids, std::string cp_origin, bool with_simulated) {
  Policy policy;
  policy.tofu_ = true;
  policy.rules_.emplace("tcb_status", PolicyRule{{"UpToDate", "SWHardeningNeeded"}, RuleMode::enforce});
  std::vector<std::string> debug{"false"};
  if (with_simulated) debug.emplace_back("true");
  policy.rules_.emplace("debug", PolicyRule{std::move(debug), RuleMode::enforce});
  policy.rules_.emplace("owner_id", PolicyRule{std::move(owner_ids), RuleMode::enforce});
  policy.rules_.emplace("cp_origin", PolicyRule{{std::move(cp_origin)}, RuleMode::enforce});
  return policy;
}

Json Policy::to_json_value() const {
  Json rules = Json::object();
  for (const auto& [name, rule] : rules_)
    rules[name] = {{"allow", rule.allow}, {"mode", rule.mode == RuleMode::warn ? "warn" : "enforce"}};
  Json value = {{"version", 1}, {"rules", std::move(rules)}};
  if (tofu_) value["tofu"] = true;
  return value;
}

}  // namespace dd
