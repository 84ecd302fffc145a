// The folder of programs that were fetched for others to use: last in the search path, so that none takes a system program's place.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "dd/error.hpp"

namespace dd::enclave {

/// Use on one io thread.
class ToolLinks {
 public:
  struct Tool {
    std::string name;
    std::filesystem::path target;
  };

  explicit ToolLinks(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Whether install() would. Errors: conflict.
  [[nodiscard]] Result<void> check(const std::string& app, const std::vector<Tool>& tools) const;
  /// Gives `app` these names in place of those it had; each changes at once from the old target to the new one. `digest` is that of what the targets need.
  /// Errors: conflict when a name is another app's, unavailable. Nothing has changed after a conflict.
  [[nodiscard]] Result<void> install(const std::string& app, const std::vector<Tool>& tools, const std::string& digest);
  /// Of what is linked.
  [[nodiscard]] std::set<std::string> digests() const;

 private:
  struct Installed {
    std::set<std::string> names;
    std::set<std::string> digests;  // more than one only after links could not be made
  };

  [[nodiscard]] Result<void> link(const Tool& tool) const;

  std::filesystem::path folder_;
  std::map<std::string, Installed> by_app_;
};

}  // namespace dd::enclave
