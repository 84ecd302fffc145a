// Tunnels, ingress and DNS records of agents: made so that a crash at any point leaves nothing that nobody remembers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dd/random.hpp"
#include "dd/tunnel.hpp"
#include "libdd/cp/agent_record.hpp"
#include "libdd/cp/store.hpp"
#include "libdd/tunnel/cloudflare.hpp"

namespace dd::cp {

struct ProvisionerOptions {
  std::string env;
  std::string domain;
  IngressStyle style = IngressStyle::nested;
  std::string workload_domain = {};  // empty: as agents
};

/// Use on one io thread. Callers hold the agent's turn.
class Provisioner {
 public:
  Provisioner(Store& store, tunnel::TunnelProvider& tunnels, Random& random, Bytes fleet_key,
              ProvisionerOptions options);

  /// A new name under the fleet's mark.
  [[nodiscard]] std::string new_agent_id();
  [[nodiscard]] std::string hostname_of(const std::string& agent_id) const { return agent_id + "." + options_.domain; }
  [[nodiscard]] Result<std::vector<std::string>> extra_hostnames(const AgentRecord& record) const;

  /// Journals the name, makes (or adopts) the tunnel, its ingress and DNS records; fills in tunnel_id. When it fails it rolls
  /// back what it made, and the journal keeps the name for the Sweeper.
  net::Task<Result<Secret>> provision(AgentRecord& record);
  /// Ingress and DNS as the record says.
  net::Task<Result<Secret>> run_token(std::string tunnel_id) { return tunnels_.run_token(std::move(tunnel_id)); }
  /// See TunnelProvider::is_gone.
  net::Task<Result<bool>> is_gone(std::string tunnel_id) { return tunnels_.is_gone(std::move(tunnel_id)); }
  net::Task<Result<tunnel::ConfigVersion>> publish(AgentRecord record);
  /// The live tunnel of exactly this name, whoever made it.
  net::Task<Result<std::optional<tunnel::Tunnel>>> find(std::string name) { return tunnels_.find(std::move(name)); }
  /// Only the agent's own host is routed; DNS stays, so workloads' hosts answer 404.
  net::Task<Result<void>> shrink(AgentRecord record);
  /// Removes tunnel and DNS; checks the name before it deletes.
  net::Task<Result<void>> remove(AgentRecord record);

  /// Removes a tunnel that was begun, unless an agent has it; looks it up when the entry has no id. The entry stays, also when nothing is there:
  /// what we gave up waiting for may be carried out yet. The Sweeper ends it.
  net::Task<Result<void>> take_back(JournalEntry entry);
  /// Live tunnels that carry this fleet's mark.
  net::Task<Result<std::vector<tunnel::Tunnel>>> list();

 private:
  net::Task<Result<Secret>> build(AgentRecord& record);
  /// The name that its workloads' stand under. An agent of the earlier system makes them up itself, of its own.
  [[nodiscard]] std::string workload_host(const AgentRecord& record) const;

  Store& store_;
  tunnel::TunnelProvider& tunnels_;
  Random& random_;
  Bytes fleet_key_;
  ProvisionerOptions options_;
};

}  // namespace dd::cp
