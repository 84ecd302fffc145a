#include "libdd/workload/deployment_choice.hpp"

#include <algorithm>
#include <ranges>

namespace dd {
namespace {

template <class Wanted>
const DeploymentInfo* newest(const std::vector<DeploymentInfo>& all, Wanted wanted) {
  const auto from_the_end = std::views::reverse(all);
  const auto found = std::ranges::find_if(from_the_end, wanted);
  return found == from_the_end.end() ? nullptr : &*found;
}

}  // namespace

Result<DeploymentInfo> choose_deployment(const std::vector<DeploymentInfo>& all, const std::string& app_name,
                                         const DeploymentChoice& choice) {
  const auto of_app = [&app_name](const DeploymentInfo& info) { return info.app_name == app_name; };
  if (!choice.id.empty()) {
    if (const auto* named = newest(all, [&](const auto& info) { return of_app(info) && info.id == choice.id; }))
      return *named;
    return fail(ErrorCode::not_found, "cannot find deployment " + choice.id + " of app " + app_name);
  }
  const auto* current =
      newest(all, [&](const auto& info) { return of_app(info) && info.status == DeploymentStatus::running; });
  if (current == nullptr) current = newest(all, [&](const auto& info) { return of_app(info) && is_live(info.status); });
  if (current == nullptr) current = newest(all, of_app);
  if (current == nullptr) return fail(ErrorCode::not_found, "cannot find app " + app_name);
  if (!choice.previous) return *current;
  const auto* before =
      newest(all, [&](const auto& info) { return of_app(info) && &info != current && !is_live(info.status); });
  if (before == nullptr) return fail(ErrorCode::not_found, "cannot find a deployment of " + app_name + " that is over");
  return *before;
}

}  // namespace dd
