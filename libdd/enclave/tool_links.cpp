#include "libdd/enclave/tool_links.hpp"

#include <unistd.h>

#include "libdd/enclave/system_error.hpp"

namespace dd::enclave {

Result<void> ToolLinks::check(const std::string& app, const std::vector<Tool>& tools) const {
  for (const auto& tool : tools)
    for (const auto& [other, installed] : by_app_)
      if (other != app && installed.names.contains(tool.name))
        return fail(ErrorCode::conflict, "cannot install " + tool.name + ": the name belongs to app " + other);
  return {};
}

Result<void> ToolLinks::install(const std::string& app, const std::vector<Tool>& tools, const std::string& digest) {
  if (auto free = check(app, tools); !free) return free;
  auto& installed = by_app_[app];
  installed.digests.insert(digest);
  std::set<std::string> names;
  for (const auto& tool : tools) {
    installed.names.insert(tool.name);
    if (auto linked = link(tool); !linked) return linked;
    names.insert(tool.name);
  }
  for (const auto& name : installed.names)
    if (!names.contains(name)) unlink((folder_ / name).c_str());
  installed = {std::move(names), {digest}};
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
  for (const auto& [app, installed] : by_app_) used.insert(installed.digests.begin(), installed.digests.end());
  return used;
}

}  // namespace dd::enclave
