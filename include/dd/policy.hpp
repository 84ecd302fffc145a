// The measurements policy: which software, on which platform, booted for whom, may be an agent; and why a verdict is what it is.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dd/claims.hpp"
#include "dd/event_log.hpp"

namespace dd {

enum class RuleMode { enforce, warn };

/// Allowed values of one property. An empty list allows nothing.
struct PolicyRule {
  std::vector<std::string> allow;
  RuleMode mode = RuleMode::enforce;
  bool operator==(const PolicyRule&) const = default;
};

/// One rule's outcome.
struct RuleVerdict {
  std::string rule;
  bool passed = false;
  RuleMode mode = RuleMode::enforce;
  std::string actual;
  std::string explanation;
};

struct Verdict {
  bool accepted = false;
  bool tofu = false;
  std::vector<RuleVerdict> rules;
  /// What a reader should know although nothing was refused ("no boundary", "can impersonate the agent", "RTMR3 unavailable").
  std::vector<std::string> notes;

  /// The failed enforced rules in one line.
  [[nodiscard]] std::string summary() const;
};
[[nodiscard]] nlohmann::json to_json_value(const Verdict& verdict);

/// Immutable value. File form: {"version":1,"rules":{"mrtd":{"allow":["<96 hex>"],"mode":"enforce"},…}}; `mode` may be left out.
/// These must be there: mrtd, rtmr0, rtmr1, rtmr2, tcb_status, debug ("false"; "true" only with simulation), agent_digest, connector_digest,
/// owner_id, cp_origin. These may: mrseam, platform_id (MRCONFIGID), runtime_digest, boundary ("uid" or "none"), privileged ("false" drops an
/// agent whose VM has ever started something privileged), boot_workloads (what may boot besides the agent, each as LogFacts has it; without it
/// anything), trust_settings (without it only "default": LogFacts). Unknown rules are refused.
class Policy {
 public:
  /// Errors: malformed or invalid_argument with the JSON path; also for a value that can never match (another length, an origin in another
  /// spelling) or may never be allowed (Revoked).
  [[nodiscard]] static Result<Policy> parse(std::string_view text);
  /// Trust on first use: accepts any measurement and program at an agent's first registration and pins them for that agent's life; TCB
  /// status, debug, owner and origin are still enforced. Another key under the same VM name is a first registration again. An empty owner
  /// id accepts a VM whose configuration names the owner by login alone. `with_simulated` takes the debug bit that simulated evidence has; without
  /// the simulated flag that bit is refused all the same.
  [[nodiscard]] static Policy tofu(std::vector<std::string> owner_ids, std::string cp_origin,
                                   bool with_simulated = false);

  /// Two findings are enforced whatever the rule's mode: Revoked, and debug without simulation.
  [[nodiscard]] Verdict appraise(const TdxClaims& claims, const LogFacts& facts) const;
  [[nodiscard]] bool is_tofu() const noexcept { return tofu_; }
  [[nodiscard]] nlohmann::json to_json_value() const;

 private:
  std::map<std::string, PolicyRule> rules_;
  bool tofu_ = false;
};

}  // namespace dd
