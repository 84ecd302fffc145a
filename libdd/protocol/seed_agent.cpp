#include "libdd/protocol/seed_agent.hpp"

#include <cmath>

#include <nlohmann/json.hpp>

#include "libdd/protocol/fields.hpp"

namespace dd::protocol {

Json to_json_value(const SeedAgentHealth& health) {
  auto nets = Json::array();
  for (const auto& one : health.interfaces)
    nets.push_back({{"iface", one.name}, {"rx_bytes", one.rx_bytes}, {"tx_bytes", one.tx_bytes}});
  auto disks = Json::array();
  for (const auto& one : health.disks)
    disks.push_back({{"mount", one.mount},
                     {"fstype", one.fstype},
                     {"used_bytes", one.used_bytes},
                     {"total_bytes", one.total_bytes}});
  return {{"ok", health.ok},
          {"service", "agent"},
          {"agent_id", health.agent_id},
          {"vm_name", health.vm_name},
          {"hostname", health.hostname},
          {"owner", health.owner},
          {"attestation_type", health.attestation_type},
          {"deployments", health.deployments},
          {"deployment_count", health.deployments.size()},
          {"cpu_percent", std::llround(health.metrics.cpu_percent)},  // that system reads an integer
          {"memory_used_mb", health.metrics.memory_used_mb},
          {"memory_total_mb", health.metrics.memory_total_mb},
          {"nets", std::move(nets)},
          {"disks", std::move(disks)},
          {"uptime_secs", health.uptime_secs},
          {"ita_token", health.ita_token},
          {"extra_ingress", ingress_list(health.extra_ingress)}};
}

}  // namespace dd::protocol
