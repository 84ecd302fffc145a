#include "libdd/cp/compat_registrar.hpp"

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/core/json.hpp"
#include "libdd/cp/compat_admission.hpp"
#include "libdd/cp/compat_poll.hpp"
#include "libdd/cp/evidence.hpp"
#include "libdd/cp/owner_route.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd::cp {
namespace {

constexpr std::size_t kMaxCompatRegistration = 256 * 1024;
constexpr const char* kSessionSecret = "compat_session_secret";

}  // namespace

void CompatRegistrar::add_routes(net::Router& router) {
  auto owner = owner_route(context_);
  owner.max_body = kMaxCompatRegistration;
  router.add("POST", "/register", [this](const net::ServerRequest& request) { return enrol(request); }, owner);
  router.add(
      "POST", "/ingress/replace", [this](const net::ServerRequest& request) { return replace_ingress(request); },
      std::move(owner));
}

net::Task<Result<net::ServerResponse>> CompatRegistrar::enrol(const net::ServerRequest& http) {
  const auto value = parse_json(http.body, {.max_bytes = kMaxCompatRegistration});
  if (!value) co_return tl::unexpected(value.error());
  const auto request = protocol::seed_register_from(*value);
  if (!request) co_return tl::unexpected(request.error());
  // In its turn: what it is judged by may change while it waits.
  const auto turn = co_await context_.turns.take(request->vm_name);
  const auto allowed = co_await check_request(*request);
  if (!allowed) co_return tl::unexpected(allowed.error());
  const auto token = co_await check_token(request->ita_token);
  if (!token) co_return tl::unexpected(token.error());
  const auto verdict = appraise_compat(context_.policy, *token);
  if (!verdict) co_return fail(ErrorCode::invalid_argument, verdict.error().message);
  auto settled = co_await settle_name(request->vm_name, *token);
  if (!settled) co_return tl::unexpected(settled.error());

  AgentRecord record = *std::move(settled);
  fill_compat(record, *token, *verdict, context_.clock.unix_seconds());
  record.extras = request->extra_ingress;
  record.agent_port = context_.options.compat_agent_port;
  auto run_token = co_await context_.provisioner.provision(record);
  if (!run_token) co_return wrap(run_token.error(), "cannot register");
  const auto saved = co_await context_.store.save(record);
  if (!saved) co_return wrap(saved.error(), "cannot register");
  log::warning("agent registered without attestation",
               {{"vm", record.vm_name}, {"agent", record.agent_id}, {"by", http.principal}});
  co_return co_await answer_for(std::move(record), *std::move(run_token));
}

net::Task<Result<void>> CompatRegistrar::check_request(protocol::SeedRegister request) {
  const auto refuse = [](const std::string& why) { return fail(ErrorCode::invalid_argument, why); };
  const auto& options = context_.options;
  if (request.owner != options.owner.login)
    co_return refuse("owner mismatch: got " + request.owner + " expected " + options.owner.login);
  if (request.env_label != options.env)
    co_return refuse("env_label mismatch: got " + request.env_label + " expected " + options.env);
  auto admitting = may_be_compat(context_, std::move(request.vm_name));
  co_return co_await std::move(admitting);
}

net::Task<Result<TdxClaims>> CompatRegistrar::check_token(std::string token) {
  auto claims = co_await context_.tokens.verify(std::move(token));
  if (!claims && claims.error().code == ErrorCode::unavailable) co_return claims;
  if (!claims) co_return fail(ErrorCode::invalid_argument, claims.error().message);
  if (claims->token_id.empty()) co_return fail(ErrorCode::invalid_argument, "cannot accept token: jti: it has none");
  const auto leeway = std::chrono::ceil<std::chrono::seconds>(context_.options.token_leeway).count();
  const auto mark = crypto::sha256(as_bytes("compat token " + claims->token_id));
  const auto spent = co_await context_.store.spend_nonce(mark, claims->expires_at + leeway);
  if (!spent && spent.error().code != ErrorCode::unauthenticated) co_return tl::unexpected(spent.error());
  if (!spent) co_return fail(ErrorCode::invalid_argument, "cannot accept token: jti: it registered an agent before");
  co_return claims;
}

net::Task<Result<AgentRecord>> CompatRegistrar::settle_name(std::string vm_name, TdxClaims token) {
  AgentRecord record;
  record.vm_name = vm_name;
  record.compat = true;
  record.agent_id = context_.provisioner.new_agent_id();
  record.hostname = context_.provisioner.hostname_of(record.agent_id);
  const auto* holder = context_.store.find_live(vm_name);
  if (holder == nullptr) co_return record;
  record = *holder;
  if (!record.compat) co_return fail(ErrorCode::conflict, "VM name " + vm_name + " is held by an attested agent");
  const auto outcome = co_await link_.poll(record);
  if (outcome.finding == Finding::proven)
    co_return fail(ErrorCode::conflict, "VM name " + vm_name + " is held by an agent that answers");
  const auto drift = drift_between(record.pins, token);
  if (!drift.empty())
    co_return fail(ErrorCode::conflict, "VM " + vm_name + " is another machine now: " + drift_text(drift));
  co_return record;
}

net::Task<Result<net::ServerResponse>> CompatRegistrar::answer_for(AgentRecord record, Secret token) {
  const auto secret = co_await context_.store.secret(kSessionSecret);
  if (!secret) co_return wrap(secret.error(), "cannot register");
  protocol::SeedRegisterAnswer answer;
  answer.tunnel_token = std::string(token.reveal());
  answer.hostname = record.hostname;
  answer.agent_id = record.agent_id;
  answer.jwt_secret_b64 = to_base64(*secret);
  answer.cp_hostname = context_.options.hostname;
  co_return net::json_response(to_text(protocol::to_json_value(answer)));
}

net::Task<Result<net::ServerResponse>> CompatRegistrar::replace_ingress(const net::ServerRequest& http) {
  const auto value = parse_json(http.body);
  if (!value) co_return tl::unexpected(value.error());
  const auto wanted = protocol::seed_ingress_from(*value);
  if (!wanted) co_return tl::unexpected(wanted.error());
  const auto gone = [&] { return fail(ErrorCode::not_found, "no agent " + wanted->agent_id); };
  const auto* known = context_.store.find(wanted->agent_id);
  if (known == nullptr || !known->compat) co_return gone();
  const auto vm_name = known->vm_name;
  const auto turn = co_await context_.turns.take(vm_name);
  known = context_.store.find(wanted->agent_id);
  if (known == nullptr || !is_live(known->status) || context_.store.is_denied(known->deny_key())) co_return gone();

  AgentRecord record = *known;
  record.extras = wanted->extras;
  auto hostnames = context_.provisioner.extra_hostnames(record);
  if (!hostnames) co_return tl::unexpected(hostnames.error());
  if (record.status != AgentStatus::quarantined) {
    const auto published = co_await context_.provisioner.publish(record);
    if (!published) co_return wrap(published.error(), "cannot replace ingress");
  }
  const auto saved = co_await context_.store.save(std::move(record));
  if (!saved) co_return tl::unexpected(saved.error());
  const Json answer = {{"agent_id", wanted->agent_id}, {"extra_hostnames", *std::move(hostnames)}};
  co_return net::json_response(to_text(answer));
}

}  // namespace dd::cp
