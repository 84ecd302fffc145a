// Variables by which a program runs other code than its own: those of the dynamic loader, of shells and of interpreters.
#pragma once

#include <string_view>

namespace dd::attest {

/// Whoever sets one of these chooses code, as whoever chooses the program: no boot workload may have one that the policy does not name.
[[nodiscard]] bool chooses_code(std::string_view variable) noexcept;
/// And its value is always files and folders, so that the log may show it. Not options, which may be passwords (JAVA_TOOL_OPTIONS); nor names that
/// others use for their secrets (LD_SDK_KEY).
[[nodiscard]] bool names_code(std::string_view variable) noexcept;

}  // namespace dd::attest
