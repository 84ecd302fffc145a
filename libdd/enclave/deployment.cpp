#include "libdd/enclave/deployment.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include "libdd/workload/reserved_names.hpp"

namespace dd::enclave {

DeploymentPtr Deployments::find(const std::string& id) const {
  const auto found =
      std::ranges::find(all_, id, [](const DeploymentPtr& d) -> const std::string& { return d->info.id; });
  return found == all_.end() ? nullptr : *found;
}

std::vector<DeploymentPtr> Deployments::live(const std::string& app) const {
  std::vector<DeploymentPtr> found;
  std::ranges::copy_if(all_, std::back_inserter(found),
                       [&app](const DeploymentPtr& d) { return d->info.app_name == app && is_live(d->info.status); });
  return found;
}

bool Deployments::is_boot_name(const std::string& app) const {
  return std::ranges::any_of(
      all_, [&app](const DeploymentPtr& d) { return d->info.boot && is_same_name(d->info.app_name, app); });
}

void Deployments::drop_old() {
  std::map<std::string, std::size_t> of_app;
  std::size_t finished = 0;
  // From the newest back.
  for (auto i = all_.size(); i-- > 0;) {
    const auto& info = all_[i]->info;
    if (info.boot || is_live(info.status)) continue;
    const bool kept = ++of_app[info.app_name] <= kFinishedPerApp && ++finished <= kFinished;
    if (!kept) all_.erase(all_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

}  // namespace dd::enclave
