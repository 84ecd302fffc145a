// A tree that another uid made becomes the runtime's.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "dd/error.hpp"

namespace dd::enclave {

/// Files, folders and links.
inline constexpr std::int64_t kMaxTreeEntries = 100'000;

/// `folder` is open (borrowed). Looks at every entry without following a link: files and folders of `from`, and links that stay inside; anything else is refused.
/// Afterwards all belong to this process, files are 0444 or 0555, folders 0755. No process of `from` may be left. Blocks. Errors: invalid_argument,
/// permission_denied (somebody can still write to a file), too_large, unavailable.
[[nodiscard]] Result<void> take_over(int folder, uid_t from);

}  // namespace dd::enclave
