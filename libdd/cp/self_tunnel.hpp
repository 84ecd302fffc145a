// The control plane's own way to the internet: a tunnel for its host name, and the connector that serves it.
#pragma once

#include <memory>

#include "libdd/cp/context.hpp"
#include "libdd/tunnel/connector.hpp"

namespace dd::cp {

class SelfTunnel {
 public:
  SelfTunnel(asio::any_io_executor executor, std::shared_ptr<HttpTransport> transport,
             const ControlPlaneOptions& options, Store& store, tunnel::TunnelProvider& tunnels);

  /// Makes or adopts the tunnel, gives it `rules` and starts the connector; the host names do not lead to it yet. Its name is kept in the
  /// registry for the key `kid`: a registry that came from another control plane does not bring that one's tunnel along.
  net::Task<Result<void>> open(Bytes fleet_key, std::string kid, Random& random, std::vector<IngressRule> rules);
  /// Points the host names of the rules to it.
  net::Task<Result<void>> publish();
  /// The tunnel of this registry's control plane before this one: removes it, or leaves it to the one that still lives.
  net::Task<Result<void>> settle_former(bool lives);
  net::Task<bool> wait_ready(std::chrono::milliseconds timeout) { return connector_.wait_ready(timeout); }
  /// Until stop(): a tunnel that was deleted while the connector is not ready is made anew, under its name.
  net::Task<void> keep();
  /// Ends the connector; the tunnel stays for the next start.
  net::Task<void> stop(std::chrono::milliseconds grace);
  /// The tunnel goes too: after stop(), or instead of open() what an earlier process of this control plane has left.
  net::Task<Result<void>> remove();

  /// Keeps in the registry that another control plane has the host names now. Before leaving: a crash on the way out is followed by a restart.
  net::Task<Result<void>> note_replaced();
  /// Whether the control plane with the key `kid` has left for good.
  net::Task<Result<bool>> was_replaced(std::string kid);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Whether the record leads to this tunnel.
  [[nodiscard]] bool has(const tunnel::DnsRecord& record) const { return record.content == tunnel::target_of(id_); }

 private:
  /// Makes or adopts it, with its rules, and starts the connector.
  net::Task<Result<void>> make();
  net::Task<Result<void>> make_anew_if_gone();
  net::Task<Result<void>> name_it(Bytes fleet_key, std::string kid, Random& random);

  const ControlPlaneOptions& options_;
  Store& store_;
  tunnel::TunnelProvider& tunnels_;
  tunnel::Connector connector_;
  std::string kid_;
  std::string name_;
  std::string id_;
  std::vector<IngressRule> rules_;
  Random* random_ = nullptr;
  net::Event stop_;
  bool stopping_ = false;
  bool unfinished_ = false;  // it was gone, and is not wholly there again
  std::string led_to_;  // the id that the host names led to then
};

}  // namespace dd::cp
