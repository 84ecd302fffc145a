// What is in a folder, without the exception that a range-for over a directory_iterator throws when a read fails half-way.
#pragma once

#include <filesystem>
#include <system_error>
#include <vector>

namespace dd {

/// As many as can be read, in no order; none when `folder` is not there.
[[nodiscard]] inline std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> entries;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed))
    entries.push_back(at->path());
  return entries;
}

}  // namespace dd
