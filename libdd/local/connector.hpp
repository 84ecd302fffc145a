// What takes cloudflared's place in a local fleet: same flags, token file and /ready; it dials out to the edge.
#pragma once

#include <string>
#include <vector>

namespace dd::local {

/// Runs with cloudflared's arguments until SIGTERM or SIGINT. Returns the exit code: 0 stopped, 1 failed, 2 wrong flags.
[[nodiscard]] int run_connector(const std::vector<std::string>& arguments);

}  // namespace dd::local
