// A workload that a VM starts by itself, as a policy names it (docs/wire.md, 10.1).
#pragma once

#include <string>
#include <string_view>

#include "dd/event_log.hpp"
#include "libdd/core/json.hpp"

namespace dd::attest {

/// Of facts that are kept.
inline constexpr std::size_t kMostTrustSettings = 64 * 1024;
inline constexpr std::size_t kMostBootWorkloads = 256;
inline constexpr std::size_t kMostBootWorkloadBytes = 512;

/// What a `workload` event adds to the facts, once: its name and its settings; of an agent its arguments alone, log_facts reads the rest. Errors:
/// malformed for an event that is too much to keep.
[[nodiscard]] Result<void> add_boot_workload(const Json& event, LogFacts& facts);
/// Behind what is there already.
[[nodiscard]] Result<void> add_trust_settings(const std::string& more, LogFacts& facts);

/// "NAME sha256:… sha256:…" of a `workload` event: the program's digest, and SHA-256 of the canonical event without `index` and `digest` and with
/// null for each value of `env` that the log has as a commitment. So it says role, arguments, privileges, ports, the names of all variables and the
/// values of the public ones, and is the same in every VM that boots it. Errors: those of canonical JSON.
[[nodiscard]] Result<std::string> boot_workload(const Json& event);
[[nodiscard]] bool is_boot_workload(std::string_view text);

/// Variables and arguments of the event's workload that choose code, or whom it believes, as trust_setting() spells them, with its app_name before
/// each name; "?" for a value that the log has as a commitment. Of an agent arguments alone: agent_trust_settings has its variables.
[[nodiscard]] std::string boot_workload_trust_settings(const Json& event);

}  // namespace dd::attest
