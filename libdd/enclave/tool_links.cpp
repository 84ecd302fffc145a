#include "libdd/enclave/tool_links.hpp"

#include <unistd.h>

#include "libdd/enclave/system_error.hpp"

namespace dd::enclave {

Result<void> ToolLinks::install(const std::string& app, const std::vector<Tool>& tools, const std::string& digest) {
  for (const auto& tool : tools)
    for (const auto& [other, installed] : by_app_)
      if (other != app && installed.names.contains(tool.name))
        return fail(ErrorCode::conflict, "cannot install " + tool.name + ": the name belongs to app " + other);
  Installed now;
  now.digest = digest;
  for (const auto& tool : tools) {
    if (auto linked = link(tool); !linked) return linked;
    now.names.insert(tool.name);
  }
  for (const auto& name : by_app_[app].names)
    if (!now.names.contains(name)) unlink((folder_ / name).c_str());
  by_app_[app] = std::move(now);
  return {};
}

// A link is made beside the name and then takes its place, so that there is always one.
Result<void> ToolLinks::link(const Tool& tool) const {
  const auto what = "cannot install " + tool.name;
  const auto name = folder_ / tool.name;
  const auto fresh = folder_ / ".installing";
  unlink(fresh.c_str());
  if (symlink(tool.target.c_str(), fresh.c_str()) != 0) return system_failure(what);
  if (rename(fresh.c_str(), name.c_str()) != 0) return system_failure(what);
  return {};
}

std::set<std::string> ToolLinks::digests() const {
  std::set<std::string> used;
  for (const auto& [app, installed] : by_app_) used.insert(installed.digest);
  return used;
}

}  // namespace dd::enclave
