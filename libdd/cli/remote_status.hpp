// Exit codes of verbs that pass on how a remote command ended.
#pragma once

#include <optional>

#include "libdd/cli/output.hpp"

namespace dd::cli {

/// What ddctl itself could not do, apart from what the command's own code may be (as docker and env have it).
inline constexpr int kOwnFailure = 125;

[[nodiscard]] inline int own_failure(const Error& error) {
  (void)report(error);
  return kOwnFailure;
}

/// As a shell tells it: 128 + number for a signal.
[[nodiscard]] inline int status_of(std::optional<int> exit_code, std::optional<int> signal) {
  return signal ? 128 + *signal : exit_code.value_or(kOwnFailure);
}

}  // namespace dd::cli
