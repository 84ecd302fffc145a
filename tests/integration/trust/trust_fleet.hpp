// A real dd-cp against the local edge, attestation service and identity provider, under a real policy.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "dd/http.hpp"
#include "libdd/attest/simulated/simulator.hpp"
#include "libdd/cli/child.hpp"
#include "libdd/cli/up_services.hpp"
#include "tests/support/temp_dir.hpp"

namespace dd::trust {

using Json = nlohmann::json;
using Settings = std::vector<std::pair<std::string, std::string>>;

inline constexpr const char* kAgentDigest = "sha256:00000000000000000000000000000000000000000000000000000000000000a1";
inline constexpr const char* kConnectorDigest =
    "sha256:00000000000000000000000000000000000000000000000000000000000000c1";
inline constexpr const char* kRuntimeDigest = "sha256:00000000000000000000000000000000000000000000000000000000000000e1";
inline constexpr const char* kStrangerPat = "ghp_strangerstrangerstranger";

struct Answer {
  int status = 0;
  std::string reason;
  std::string path;
  std::string message;
  Json body;
};

/// Given the URL of the edge's API, where dd-cp shall call instead.
using Detour = std::function<std::string(const std::string& api_url)>;

/// Sends through `transport` and reads our error body.
[[nodiscard]] Answer ask(HttpTransport& transport, HttpRequest request);

class TrustFleet {
 public:
  /// `settings` replace what the fleet chooses for dd-cp. Throws when it does not come up.
  explicit TrustFleet(const Settings& settings = {}, std::int64_t token_lifetime_secs = 300, const Detour& detour = {});

  [[nodiscard]] const std::string& origin() const noexcept { return origin_; }
  [[nodiscard]] HttpTransport& transport() const { return *transport_; }
  [[nodiscard]] cli::UpServices& services() const { return *services_; }
  [[nodiscard]] const attest::SimulatorRoot& root() const noexcept { return root_; }
  [[nodiscard]] const attest::SimulatedMeasurements& measurements() const noexcept { return measurements_; }

  [[nodiscard]] Answer as_owner(const std::string& method, const std::string& path, const std::string& body = {}) const;
  /// SIGKILL, and waits for its end.
  void kill_control_plane() { cp_.reset(); }
  /// On the same address and state, under a new key. Waits until it listens.
  void start_control_plane();

  /// A fresh join ticket.
  [[nodiscard]] std::string ticket(const std::string& vm_name = {}) const;
  /// GET /api/agents.
  [[nodiscard]] Json agents() const;
  /// Row of GET /api/agents, or null.
  [[nodiscard]] Json agent(const std::string& agent_id) const;
  /// Waits for a status of an agent and returns its row; throws when it does not come.
  Json wait_for(const std::string& agent_id, const std::string& status) const;
  /// What dd-cp has logged so far.
  [[nodiscard]] std::string log() const;
  /// Names of the live tunnels at the edge.
  [[nodiscard]] std::set<std::string> tunnels() const;
  [[nodiscard]] std::set<std::string> hostnames() const;
  /// Tunnels, deleted ones too, and DNS records as the edge has them.
  [[nodiscard]] Json edge_state() const { return edge("GET", "/__edge/state"); }
  /// A call of the edge's API past dd-cp; `path` starts with /client/v4 or /__edge.
  [[nodiscard]] Json edge(const std::string& method, const std::string& path, const Json& body = {}) const;

 private:
  TempDir folder_;
  attest::SimulatorRoot root_;
  attest::SimulatedMeasurements measurements_;
  std::unique_ptr<cli::UpServices> services_;
  std::string origin_;
  std::shared_ptr<HttpTransport> transport_;
  Settings settings_;
  std::unique_ptr<cli::Child> cp_;
};

/// Calls `check` until it is true; throws with `what`, and with what `seen` says was there instead, when it never is.
void wait_until(const std::string& what, const std::function<bool()>& check,
                const std::function<std::string()>& seen = {});

/// A loopback port that is free now.
[[nodiscard]] std::uint16_t free_port();
/// Environment of a dd-cp against these services.
[[nodiscard]] Settings cp_settings(const cli::UpServices& services, const std::string& origin,
                                   const std::string& policy, const std::string& state_dir);
/// How a dd-cp with this environment ends at once: its output.
[[nodiscard]] std::string failed_start(const Settings& settings);

}  // namespace dd::trust
