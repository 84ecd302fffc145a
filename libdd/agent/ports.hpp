// Ports on the VM's loopback: whether a workload answers on one, and who holds it.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "dd/workload.hpp"
#include "libdd/net/task.hpp"
#include "libdd/net/tcp_listeners.hpp"

namespace dd::agent {

/// Where a process of that deployment takes connections: "127.0.0.1", else "::1", empty when nowhere. Of a runtime that does not say who listens,
/// whatever process it is.
net::Task<std::string> answering_address(DeploymentInfo info, std::uint16_t port);

/// Whether one of them is where visitors of `expose` are led to: at its address, or at any of that family; without an address that is 127.0.0.1.
[[nodiscard]] bool listens_at(const std::vector<ListenAddress>& listeners, const Expose& expose);
/// The same of a socket of whoever it is; one on :: may take what is for 127.0.0.1 too.
[[nodiscard]] bool may_be_met_at(const net::TcpListener& listener, const Expose& expose);
/// Whether its app alone has its uid: where the runtime is root, and else every process has ours.
[[nodiscard]] bool has_own_uid(const DeploymentInfo& info);
/// By what the runtime says of the deployment, or by the uid that its app alone has.
[[nodiscard]] bool is_own(const net::TcpListener& listener, const DeploymentInfo& info);

/// All that any of them exposes.
[[nodiscard]] std::set<std::uint16_t> exposed_ports(const std::vector<DeploymentInfo>& deployments);

/// Who listens on the port ("uid 200003"), or "" when nobody does.
[[nodiscard]] std::string holder_of(std::uint16_t port);

}  // namespace dd::agent
