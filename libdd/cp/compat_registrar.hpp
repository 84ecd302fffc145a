// Registration as the earlier system had it (docs/wire.md, 12): an owner's PAT, a token that counts once, a VM name that was allowed by hand.
#pragma once

#include "libdd/cp/agent_link.hpp"
#include "libdd/net/http_server.hpp"
#include "libdd/protocol/seed.hpp"

namespace dd::cp {

class CompatRegistrar {
 public:
  CompatRegistrar(Context& context, AgentLink& link) : context_(context), link_(link) {}
  void add_routes(net::Router& router);

 private:
  net::Task<Result<net::ServerResponse>> enrol(const net::ServerRequest& http);
  net::Task<Result<net::ServerResponse>> replace_ingress(const net::ServerRequest& http);

  net::Task<Result<void>> check_request(protocol::SeedRegister request);
  net::Task<Result<TdxClaims>> check_token(std::string token);
  /// The live entry of the VM that may be used again, a new one when there is none. Errors: conflict when the holder is native or answers.
  net::Task<Result<AgentRecord>> settle_name(std::string vm_name, TdxClaims token);
  net::Task<Result<net::ServerResponse>> answer_for(AgentRecord record, Secret token);

  Context& context_;
  AgentLink& link_;
};

}  // namespace dd::cp
