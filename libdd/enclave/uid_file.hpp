// Which app has which uid, for the next run of the runtime: files on disk belong to uids, and uids to apps.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>

namespace dd::enclave {

using UidsByApp = std::map<std::string, uid_t>;

/// None when there is no such file, when it is of another `base`, or cannot be read, which is logged.
[[nodiscard]] UidsByApp read_uids(const std::filesystem::path& file, uid_t base);
/// Takes the file's place. What cannot be written is logged. It does not wait for the disk: the folders that outlive a loss of power say themselves whose
/// they are.
void write_uids(const std::filesystem::path& file, uid_t base, const UidsByApp& uids);

}  // namespace dd::enclave
