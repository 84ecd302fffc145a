// What `ddctl doctor` looks at: each prerequisite, how it stands, and what to do when it does not.
#pragma once

#include <string>
#include <vector>

#include "dd/control_plane.hpp"
#include "dd/fleet_client.hpp"
#include "dd/http.hpp"

namespace dd::cli {

enum class Health { good, doubtful, bad };

struct Check {
  Health health = Health::good;
  std::string what;
  std::string found;
  std::string fix;  // empty when good
};

/// What of a machine decides whether it can be a VM of a fleet.
struct MachineFacts {
  std::string kernel;        // as uname -r has it
  bool configfs = false;     // mounted
  bool tsm_reports = false;  // configfs-tsm offers quotes
  bool rtmr_sysfs = false;   // RTMR3 can be extended
  bool root = false;
  bool connector = false;
  bool podman = false;
};
[[nodiscard]] MachineFacts read_machine();
[[nodiscard]] std::vector<Check> check_machine(const MachineFacts& facts);

/// The control plane as its clients see it. Blocks.
[[nodiscard]] std::vector<Check> check_fleet(const FleetClient& client);

/// What a control plane with these options needs from others: Cloudflare, ITA, GitHub, its policy and connector. Blocks.
[[nodiscard]] std::vector<Check> check_control_plane(const ControlPlaneOptions& options, HttpTransport& transport);

}  // namespace dd::cli
