// Sees a deployment out that an agent carries to its end, and says what became of it.
#pragma once

#include <chrono>
#include <string>

#include "dd/fleet_client.hpp"
#include "libdd/cli/output.hpp"
#include "libdd/net/deadline.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace dd::cli {

/// As timeout(1) says it.
inline constexpr int kStillDeploying = 124;

void add_wait(CLI::App& verb, std::string& wait);
/// "0", or a duration as configuration has them; when nothing was said, a little more than a deployment may take to be ready, so that a rollback is
/// seen too. Errors: invalid_argument.
[[nodiscard]] Result<std::chrono::milliseconds> wait_from(const std::string& text,
                                                          std::chrono::milliseconds ready_timeout);
/// What one call of those that see it out waits: well below what proxies allow.
[[nodiscard]] std::chrono::milliseconds longest_step(const net::Deadline& deadline);

/// Asks until `deadline`, prints URLs or why there are none, and returns the exit code.
[[nodiscard]] int see_it_out(const FleetClient& client, const AgentSummary& agent, Result<Deployed> deployed,
                             const net::Deadline& deadline, Format format);

}  // namespace dd::cli
