// The `github_release` member of a DeployRequest (docs/wire.md, 7).
#pragma once

#include "dd/workload.hpp"
#include "libdd/core/json.hpp"

namespace dd {

struct ReleaseReading {
  GithubRelease release;
  /// Members that nobody understands.
  std::vector<std::string> unknown;
};

/// `path` is where it stands. Errors: malformed, invalid_argument with the path of the member.
[[nodiscard]] Result<ReleaseReading> read_github_release(const Json& value, std::string path);

}  // namespace dd
