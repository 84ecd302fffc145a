// POST /register and POST /register/challenge: who may become an agent. Verifies before it creates anything.
#pragma once

#include "libdd/cp/context.hpp"
#include "libdd/crypto/statement.hpp"
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

  net::Task<Result<void>> check_nonce(Digest256 nonce);
  net::Task<Result<void>> check_credential(Secret credential, std::string kid, std::string vm_name);
  net::Task<Result<void>> check_ticket(std::string ticket, std::string kid, std::string vm_name);
  [[nodiscard]] Result<void> check_fleet(const protocol::RegisterClaims& claims) const;
  /// The live holder of the name must be this key, or unable to prove itself.
  net::Task<Result<void>> settle_name(std::string vm_name, std::string kid);
  static void fill(AgentRecord& record, const Request& request, std::int64_t now);
  net::Task<Result<protocol::RegisterAnswer>> admit(Request& request);
  net::Task<Result<protocol::RegisterAnswer>> answer_for(AgentRecord record, Secret token);

  Context& context_;
  AgentLink& link_;
  Dropper& dropper_;
};

}  // namespace dd::cp
