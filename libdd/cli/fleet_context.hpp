// Which fleet ddctl talks to: flags, then DD_* variables, then the file that `ddctl up` left for its lifetime.
#pragma once

#include <filesystem>
#include <string>

#include "dd/error.hpp"
#include "dd/fleet_client.hpp"
#include "dd/secret.hpp"

namespace dd::cli {

/// Everything needed to reach a fleet and to check its evidence.
struct FleetContext {
  std::string cp_url;
  std::string edge_url;
  Secret credential;
  std::filesystem::path ca_file;
  std::string ita_issuer = "https://portal.trustauthority.intel.com";
  std::string ita_jwks_url = "https://portal.trustauthority.intel.com/certs";
  bool simulated = false;
};

/// What was said on the command line; empty members were not.
struct FleetFlags {
  std::string cp_url;
  std::filesystem::path pat_file;
};

/// Errors: invalid_argument when no control plane is known, or half a credential pair is given.
[[nodiscard]] Result<FleetContext> load_context(const FleetFlags& flags);
[[nodiscard]] Result<FleetClient> connect(const FleetContext& context);

/// The variables that ddctl reads, as rows of a Markdown table.
[[nodiscard]] std::string environment_markdown();

/// Where `up` writes the context of its fleet: $XDG_STATE_HOME/dd/fleet.json, or ~/.local/state/dd/fleet.json, or DD_CONTEXT.
[[nodiscard]] Result<std::filesystem::path> context_file();
/// 0600, replaced in one step.
[[nodiscard]] Result<void> write_context(const std::filesystem::path& file, const FleetContext& context);

}  // namespace dd::cli
