// Settings that decide whom runtime and agent believe, and what the names that they look up resolve to.
#pragma once

#include <string>
#include <string_view>

#include "libdd/core/json.hpp"

namespace dd::attest {

/// Where dd-enclave looks programs up unless it is told otherwise.
inline constexpr std::string_view kUsualSearchPath = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin";

/// "NAME=value", with %20 for a blank, which would begin the next one, and %25 for a %.
[[nodiscard]] std::string trust_setting(std::string_view name, std::string_view value);

/// Those that are not the default, with blanks between them, of the `config` that stands at `path` in a boot event. What cannot be read is a problem of `boot`.
[[nodiscard]] std::string runtime_trust_settings(const Json& config, const std::string& path, ObjectReader& boot);
/// The same of the environment that an agent was given, as the log has it.
[[nodiscard]] std::string agent_trust_settings(const Json& env);

}  // namespace dd::attest
