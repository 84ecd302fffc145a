#include "libdd/cp/agent_calls.hpp"

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/core/json.hpp"
#include "libdd/cp/run_token.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/protocol/fleet.hpp"
#include "libdd/protocol/registration.hpp"

namespace dd::cp {
namespace {

struct Call {
  crypto::ParsedJws statement;
  protocol::CallClaims claims;
};

Result<Call> call_in(const HttpHeaders& headers) {
  const auto* header = headers.find(protocol::kCallHeader);
  if (header == nullptr) return fail(ErrorCode::unauthenticated, "cannot accept call: header DD-Call is missing");
  auto statement = crypto::parse_statement(*header, crypto::kCallTyp);
  if (!statement)
    return fail(ErrorCode::unauthenticated, "signature_invalid", "cannot accept call: " + statement.error().message);
  auto claims = protocol::call_claims_from(*statement->claims);
  if (!claims)
    return fail(ErrorCode::unauthenticated, "signature_invalid", "cannot accept call: " + claims.error().message);
  return Call{*std::move(statement), *std::move(claims)};
}

tl::unexpected<Error> caller_gone() {
  return fail(ErrorCode::not_found, "agent_unknown", "cannot accept call: the agent is gone; register again");
}

}  // namespace

void AgentCalls::add_routes(net::Router& router) {
  net::RouteOptions options;
  options.authenticate = [this](const net::ServerRequest& request) { return authenticate(request); };
  router.add(
      "POST", "/ingress/replace", [this](const net::ServerRequest& request) { return replace_ingress(request); },
      options);
  router.add(
      "POST", "/tunnel/check", [this](const net::ServerRequest& request) { return check_tunnel(request); }, options);
  router.add(
      "POST", "/register/check", [this](const net::ServerRequest& request) { return check(request); },
      std::move(options));
}

net::Task<Result<std::string>> AgentCalls::authenticate(const net::ServerRequest& request) {
  const auto call = call_in(request.headers);
  if (!call) co_return tl::unexpected(call.error());
  const auto* record = context_.store.find(call->claims.issuer);
  // Its key, whichever of its entries was revoked.
  if (record != nullptr && context_.store.is_denied(record->deny_key()))
    co_return fail(ErrorCode::permission_denied, "revoked",
                   "cannot accept call: agent " + call->claims.issuer + " was revoked");
  if (record == nullptr || !is_live(record->status) || record->compat)
    co_return fail(ErrorCode::not_found, "agent_unknown",
                   "cannot accept call: no agent " + call->claims.issuer + "; register again");
  const crypto::StatementRule rule{crypto::kCallTyp, context_.origin, crypto::Expiry::absent,
                                   context_.clock.unix_seconds()};
  const auto good = crypto::verify_statement(call->statement, record->signing_key, rule);
  if (!good) co_return wrap(good.error(), "cannot accept call");
  if (call->claims.method != request.method || call->claims.path != request.target)
    co_return fail(ErrorCode::unauthenticated, "signature_invalid",
                   "cannot accept call: it was signed for " + call->claims.method + " " + call->claims.path);
  co_return call->claims.issuer;
}

Result<AgentRecord> AgentCalls::accept_body(const net::ServerRequest& request) const {
  const auto call = call_in(request.headers);
  if (!call) return tl::unexpected(call.error());
  if (call->claims.body_sha256 != crypto::sha256(as_bytes(request.body)))
    return fail(ErrorCode::unauthenticated, "signature_invalid",
                "cannot accept call: the body is not the one that was signed");
  const auto* known = context_.store.find(request.principal);
  if (known == nullptr || !is_live(known->status)) return caller_gone();
  // While it waited for its turn.
  if (context_.store.is_denied(known->deny_key()))
    return fail(ErrorCode::permission_denied, "revoked", "cannot accept call: the agent was revoked");
  AgentRecord record = *known;
  const auto used = use_seq(record, call->claims.seq);
  if (!used) return tl::unexpected(used.error());
  return record;
}

net::Task<Result<AgentCalls::Caller>> AgentCalls::hear(const net::ServerRequest& request) {
  const auto* caller = context_.store.find(request.principal);
  if (caller == nullptr) co_return caller_gone();
  const auto vm_name = caller->vm_name;
  auto turn = co_await context_.turns.take(vm_name);
  auto accepted = accept_body(request);
  if (!accepted) co_return tl::unexpected(accepted.error());
  co_return Caller(std::move(turn), *std::move(accepted));
}

net::Task<Result<AgentCalls::Caller>> AgentCalls::admit(const net::ServerRequest& request) {
  auto caller = co_await hear(request);
  if (!caller) co_return caller;
  const auto saved = co_await context_.store.save(caller->record);
  if (!saved) co_return tl::unexpected(saved.error());
  co_return caller;
}

net::Task<Result<net::ServerResponse>> AgentCalls::check(const net::ServerRequest& request) {
  const auto caller = co_await admit(request);
  if (!caller) co_return tl::unexpected(caller.error());
  const Json answer = {{"agent_id", caller->record.agent_id}, {"status", to_string(caller->record.status)}};
  co_return net::json_response(to_text(answer));
}

net::Task<Result<net::ServerResponse>> AgentCalls::check_tunnel(const net::ServerRequest& request) {
  const auto caller = co_await admit(request);
  if (!caller) co_return tl::unexpected(caller.error());
  const auto& record = caller->record;
  const auto gone = co_await tunnels_.is_gone(record.tunnel_id);
  if (!gone) co_return wrap(gone.error(), "cannot look for the tunnel");
  protocol::TunnelAnswer answer{record.agent_id, std::nullopt};
  if (!*gone && !record.token_untaken) co_return net::json_response(to_text(protocol::to_json_value(answer)));
  Result<Secret> token;
  if (*gone)
    token = co_await make_anew(record);
  else
    token = co_await context_.provisioner.run_token(record.tunnel_id);
  if (!token) co_return wrap(token.error(), "cannot make the tunnel anew");
  auto sealed = seal_run_token(record, *token, context_.random);
  if (!sealed) co_return tl::unexpected(sealed.error());
  answer.tunnel_token_sealed = *std::move(sealed);
  co_return net::json_response(to_text(protocol::to_json_value(answer)));
}

net::Task<Result<Secret>> AgentCalls::make_anew(AgentRecord record) {
  const auto extras = record.extras;
  // What a quarantined agent wants stays unpublished until it is taken back.
  if (record.status == AgentStatus::quarantined) record.extras.clear();
  auto token = co_await context_.provisioner.provision(record);
  if (!token) co_return tl::unexpected(token.error());
  record.extras = extras;
  record.token_untaken = true;  // the answer may be lost
  log::warning("a tunnel was gone and is made anew", {{"vm", record.vm_name}, {"tunnel", record.agent_id}});
  const auto saved = co_await context_.store.save(std::move(record));
  if (!saved) co_return tl::unexpected(saved.error());
  tunnels_.forget();
  co_return token;
}

Result<std::vector<std::string>> AgentCalls::take_wish(AgentRecord& record, const std::string& body) const {
  const auto value = parse_json(body);
  if (!value) return tl::unexpected(value.error());
  auto wanted = protocol::ingress_replace_from(*value);
  if (!wanted) return tl::unexpected(wanted.error());
  if (wanted->agent_id != record.agent_id)
    return fail(ErrorCode::permission_denied,
                "cannot replace ingress: " + record.agent_id + " may not speak for " + wanted->agent_id);
  AgentRecord wishing = record;
  wishing.extras = std::move(wanted->extras);
  auto hostnames = context_.provisioner.extra_hostnames(wishing);
  if (hostnames) record.extras = std::move(wishing.extras);
  return hostnames;
}

net::Task<Result<net::ServerResponse>> AgentCalls::replace_ingress(const net::ServerRequest& request) {
  const auto caller = co_await hear(request);
  if (!caller) co_return tl::unexpected(caller.error());
  AgentRecord record = caller->record;
  auto hostnames = take_wish(record, request.body);
  // The wish along with the number, in one write, and before Cloudflare hears of it: the call cannot come a second time.
  const auto saved = co_await context_.store.save(record);
  if (!saved) co_return tl::unexpected(saved.error());
  if (!hostnames) co_return tl::unexpected(hostnames.error());
  // A quarantined agent's wish is kept; it is published when the agent is taken back.
  const bool quarantined = record.status == AgentStatus::quarantined;
  tunnel::ConfigVersion version;
  if (!quarantined) {
    const auto published = co_await context_.provisioner.publish(record);
    if (!published) {
      co_await forget_wish(caller->record);
      co_return wrap(published.error(), "cannot replace ingress");
    }
    version = *published;
  }
  const protocol::IngressAnswer answer{request.principal, *std::move(hostnames), quarantined, version};
  co_return net::json_response(to_text(protocol::to_json_value(answer)));
}

net::Task<void> AgentCalls::forget_wish(AgentRecord before) {
  const auto vm_name = before.vm_name;
  const auto saved = co_await context_.store.save(std::move(before));
  if (!saved)
    log::warning("cannot forget an ingress that was not published", {{"vm", vm_name}, {"why", saved.error().message}});
}

}  // namespace dd::cp
