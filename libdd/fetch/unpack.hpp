// Unpacks a .tar.gz that nobody vouches for. The one file that includes libarchive is unpack.cpp.
#pragma once

#include <cstdint>
#include <functional>

#include "dd/error.hpp"

namespace dd::fetch {

struct UnpackLimits {
  std::int64_t max_bytes = 0;    // of all files together, holes of sparse ones included
  std::int64_t max_entries = 0;  // members; and folders, also those that no member names
};

/// From the descriptor of a tar in gzip, read from its beginning, into the empty folder `folder`; both are borrowed. Files keep their content and whether they are
/// executable, nothing else. Members that are no file, folder or link, absolute names, ".." and links that lead out are refused, not skipped: an archive that
/// has them is not what its user thinks it is. What was made stays after an error. `progress` hears bytes written so far.
/// Errors: invalid_argument (the archive), too_large (a limit), unavailable (this machine).
[[nodiscard]] Result<void> unpack(int archive, int folder, const UnpackLimits& limits,
                                  const std::function<void(std::int64_t bytes)>& progress);

}  // namespace dd::fetch
