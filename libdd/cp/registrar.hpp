// POST /register and POST /register/challenge: who may become an agent. Verifies before it creates anything.
#pragma once

#include "libdd/cp/context.hpp"
#include "libdd/cp/register_gate.hpp"
#include "libdd/cp/registration_body.hpp"
#include "libdd/net/http_server.hpp"
#include "libdd/protocol/registration.hpp"

namespace dd::cp {

class Dropper;
class AgentLink;

class Registrar {
 public:
  Registrar(Context& context, AgentLink& link, Dropper& dropper);
  void add_routes(net::Router& router);

 private:
  struct Request;

  net::Task<Result<net::ServerResponse>> challenge(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> enrol(const net::ServerRequest& request);

  /// A large body on the thread for that.
  net::Task<Result<SentRegistration>> read(std::string body, protocol::RegisterHead head);
  /// With the name's turn: that it is not revoked, and that without a credential it still needs none.
  [[nodiscard]] Result<void> check_again(const Request& request, const std::string& kid) const;
  net::Task<Result<void>> end_renewals(std::string vm_name, std::string but);
  /// That entry, with nothing left of what it had at Cloudflare; a new one when there is none.
  net::Task<Result<AgentRecord>> old_or_new_entry(std::string vm_name, std::string kid);
  /// What has been measured is still what was. Otherwise the agent is gone for good.
  net::Task<Result<void>> check_drift(AgentRecord record, TdxClaims token);
  [[nodiscard]] Result<void> check_fleet(const protocol::RegisterClaims& claims) const;
  /// The live holder of the name must be this key, or unable to prove itself.
  net::Task<Result<void>> settle_name(std::string vm_name, std::string kid);
  static void fill(AgentRecord& record, const Request& request, std::int64_t now);
  net::Task<Result<protocol::RegisterAnswer>> admit(Request& request);
  net::Task<Result<protocol::RegisterAnswer>> answer_for(AgentRecord record, Secret token);

  Context& context_;
  AgentLink& link_;
  Dropper& dropper_;
  RegisterGate gate_;
};

}  // namespace dd::cp
