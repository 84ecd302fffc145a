// Evidence of a VM over a nonce of ours: fetched, verified, and what it proves.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dd/claims.hpp"
#include "dd/error.hpp"
#include "dd/event_log.hpp"
#include "libdd/cli/fleet_context.hpp"

namespace dd::cli {

/// What was checked, in order; the first failure ends it.
struct Findings {
  std::vector<std::pair<std::string, std::string>> passed;  // check, what it showed
  TdxClaims claims;
  LogFacts facts;
};

/// A failure, and how a verb that meets it ends.
struct EvidenceFailure {
  Error error;
  std::optional<int> exit_code = std::nullopt;  // none: as of any such error
};
/// Prints it; the exit code.
[[nodiscard]] int report(const EvidenceFailure& failure);

/// `target` is the URL of an agent, its VM name or its id. Ends with kRejected when the evidence does not hold, with 1 when it cannot be checked.
[[nodiscard]] tl::expected<Findings, EvidenceFailure> fetch_and_check(const FleetContext& context,
                                                                      const std::string& target);

}  // namespace dd::cli
