// Removes a folder and everything in it, whoever filled it.
#pragma once

#include <filesystem>
#include <stop_token>

#include "dd/error.hpp"

namespace dd {

/// Follows no link, enters nothing that is mounted in it, and takes folders that are nested without end: two are open at a time, and no path grows with
/// the depth. What is not there is removed already. What can go goes also when something else cannot; then `unavailable` with the first reason. Blocks
/// until it is done or `stop` is requested, which is `unavailable` too.
[[nodiscard]] Result<void> remove_tree(const std::filesystem::path& path, const std::stop_token& stop = {});

}  // namespace dd
