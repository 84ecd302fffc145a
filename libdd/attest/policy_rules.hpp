// The rules that a policy may have, and how their values must look. Private to libdd/attest.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "dd/error.hpp"

namespace dd::attest {

/// Never acceptable, whatever a policy says.
inline constexpr std::string_view kRevoked = "Revoked";

struct RuleKind {
  std::string_view name;
  bool required;
  bool (*accepts)(std::string_view value);
  const char* expected;
  /// The only value that is allowed when the policy does not have the rule; empty: the rule then asks nothing.
  std::string_view otherwise = {};
};

/// In the order in which they are read.
[[nodiscard]] std::span<const RuleKind> rule_kinds();

/// The one spelling that values are compared in: hex and digests in lower case. Errors: invalid_argument, "want <what>".
[[nodiscard]] Result<std::string> rule_value(const RuleKind& kind, std::string_view text);

}  // namespace dd::attest
