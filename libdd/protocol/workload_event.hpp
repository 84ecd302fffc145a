// What the event log says of a workload (docs/wire.md, 10).
#pragma once

#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "dd/bytes.hpp"
#include "dd/workload.hpp"

namespace dd::protocol {

/// Members that deploys and boot workloads have: app_name, digest, cmd, env under `salt`, privileged, expose.
[[nodiscard]] nlohmann::json workload_event(const DeployRequest& request, const std::string& digest, ByteView salt);

/// Those that boot workloads have besides.
struct BootMembers {
  BootWorkload::Role role = BootWorkload::Role::none;
  bool inherit_token = false;
  std::span<const ListenSocket> listen = {};
};
void add_boot_members(nlohmann::json& event, const BootMembers& members);

}  // namespace dd::protocol
