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
  /// Makes or adopts the tunnel (its name is kept in the registry), publishes `rules`, starts the connector.
  net::Task<Result<void>> start(Bytes fleet_key, Random& random, std::vector<IngressRule> rules);
  net::Task<void> stop(std::chrono::milliseconds grace);

 private:
  const ControlPlaneOptions& options_;
  Store& store_;
  tunnel::TunnelProvider& tunnels_;
  tunnel::Connector connector_;
};

}  // namespace dd::cp
