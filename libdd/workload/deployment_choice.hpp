// Which deployment of an app is meant when somebody names the app.
#pragma once

#include <string>
#include <vector>

#include "dd/workload.hpp"

namespace dd {

/// Of all deployments, oldest first: the one with that id; by default the newest that runs, else the newest that is not over, else the newest. The
/// previous one is the newest that is over and not that. Errors: not_found.
[[nodiscard]] Result<DeploymentInfo> choose_deployment(const std::vector<DeploymentInfo>& all,
                                                       const std::string& app_name,
                                                       const DeploymentChoice& choice = {});

}  // namespace dd
