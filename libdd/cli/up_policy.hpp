// The policy of a local fleet: its own build, what its VMs boot, and whom they believe.
#pragma once

#include <filesystem>
#include <string>

#include "libdd/cli/up_services.hpp"
#include "libdd/cli/up_vm.hpp"

namespace dd::cli {

/// "sha256:…" of a file.
[[nodiscard]] Result<std::string> digest_of(const std::filesystem::path& file);

/// The text of the policy file. `extra_workloads` is what each agent's VM boots besides (--boot); with a release among them, whose digest is known once
/// it is fetched, the policy has no rule for what boots. Errors: of programs that cannot be read.
[[nodiscard]] Result<std::string> up_policy(const UpPrograms& programs, const UpServices& services,
                                            const std::string& cp_url, const std::string& extra_workloads);

}  // namespace dd::cli
