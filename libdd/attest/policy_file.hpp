// Policy files: read where a setting names one; written for the build that `ddctl up` starts, and for whoever measures a build.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dd/quote.hpp"

namespace dd::attest {

/// What a policy allows. Every rule is enforced.
struct PolicyValues {
  std::vector<Measurement> mrtd;
  std::array<std::vector<Measurement>, 3> rtmr;
  std::vector<std::string> tcb_status = {"UpToDate"};
  /// Allows the debug bit, which the simulator sets. A genuine TD with it is refused all the same.
  bool simulated = false;
  /// `sha256:` and 64 hex digits.
  std::vector<std::string> agent_digest;
  std::vector<std::string> connector_digest;
  /// No rule when empty.
  std::vector<std::string> runtime_digest;
  std::string owner_id;
  std::string cp_origin;
  /// As LogFacts has them; when empty, agents may have the defaults only.
  std::vector<std::string> trust_settings;
  /// "uid", "none" and "false", "true"; no rules when empty.
  std::vector<std::string> boundary = {};
  std::vector<std::string> privileged = {};
  /// As LogFacts has them. Without a value agents may boot whatever else; an empty list: nothing else.
  std::optional<std::vector<std::string>> boot_workloads = std::nullopt;
};

/// The text of a policy file, which Policy::parse takes. Errors: those of Policy::parse; invalid_argument for a rule that would allow nothing.
[[nodiscard]] Result<std::string> policy_file(const PolicyValues& values);

/// The text of the file that DD_POLICY names, at most 1 MiB. Errors: invalid_argument.
[[nodiscard]] Result<std::string> read_policy_file(const std::string& path);

}  // namespace dd::attest
