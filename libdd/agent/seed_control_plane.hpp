// A control plane of the earlier system (docs/wire.md, 12): the same steps without challenge, key and proof. The owner's PAT is what it goes by.
#pragma once

#include "libdd/agent/registration.hpp"
#include "libdd/protocol/fleet.hpp"

namespace dd::agent {

class SeedControlPlane {
 public:
  explicit SeedControlPlane(Context& context) : context_(context) {}

  /// One try. `extras` are published with it.
  net::Task<Result<Registered>> attempt(std::vector<Expose> extras);
  /// Errors: not_found with reason agent_unknown when it forgot us.
  net::Task<Result<protocol::IngressAnswer>> replace_ingress(std::vector<Expose> extras);
  /// Whether its list of agents has this one. It leaves out those whose tunnels it has deleted.
  net::Task<Result<bool>> lists_us();
  /// A token of this VM. That system checks no report data, so it is bound to a nonce of our own, our keys and the log.
  net::Task<Result<Shown>> mint();

 private:
  net::Task<Result<std::string>> post(std::string path, std::string body);
  /// With the PAT; the body of an answer with status 200.
  net::Task<Result<std::string>> send(HttpRequest request);

  Context& context_;
};

}  // namespace dd::agent
