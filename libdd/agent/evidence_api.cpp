#include "libdd/agent/evidence_api.hpp"

#include <nlohmann/json.hpp>

#include "libdd/agent/owner_auth.hpp"
#include "libdd/core/json.hpp"
#include "libdd/enclave_client/evidence.hpp"

namespace dd::agent {

void EvidenceApi::add_routes(net::Router& router) {
  net::RouteOptions owner;
  owner.authenticate = owner_only(context_);
  router.add("GET", "/attest", [this](const net::ServerRequest& request) { return attest(request); }, std::move(owner));
}

net::Task<Result<net::ServerResponse>> EvidenceApi::attest(const net::ServerRequest& request) {
  auto nonce = enclave_client::evidence_nonce(request);
  if (!nonce) co_return tl::unexpected(nonce.error());
  auto evidence = co_await enclave_client::gather_evidence(context_.capability, *std::move(nonce));
  if (!evidence) co_return tl::unexpected(evidence.error());
  auto token = co_await context_.minter.mint(evidence->quote, evidence->runtime_data);
  if (!token) co_return wrap(token.error(), "cannot mint a token");
  evidence->ita_token = *std::move(token);
  co_return net::json_response(to_text(protocol::to_json_value(*evidence)));
}

}  // namespace dd::agent
