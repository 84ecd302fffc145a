// GET /health of an agent as the earlier system's control plane reads it (docs/wire.md, 12).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dd/workload.hpp"
#include "libdd/protocol/health.hpp"

namespace dd::protocol {

struct Interface {
  std::string name;
  std::int64_t rx_bytes = 0;
  std::int64_t tx_bytes = 0;
};

struct Disk {
  std::string mount;
  std::string fstype;
  std::int64_t used_bytes = 0;
  std::int64_t total_bytes = 0;
};

struct SeedAgentHealth {
  bool ok = true;  // the runtime answers
  std::string agent_id;
  std::string vm_name;
  std::string hostname;
  std::string owner;
  std::string attestation_type;
  std::vector<std::string> deployments;  // names of what runs
  Metrics metrics;
  std::vector<Interface> interfaces;
  std::vector<Disk> disks;
  std::int64_t uptime_secs = 0;
  std::string ita_token;
  std::vector<Expose> extra_ingress;
};
[[nodiscard]] nlohmann::json to_json_value(const SeedAgentHealth& health);

}  // namespace dd::protocol
