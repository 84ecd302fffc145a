#include "libdd/agent/poll_api.hpp"

#include <nlohmann/json.hpp>

#include "libdd/agent/metrics.hpp"
#include "libdd/core/decimal.hpp"
#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/protocol/seed_agent.hpp"

namespace dd::agent {
namespace {

constexpr std::size_t kSeenLimit = 1024;

tl::unexpected<Error> refuse(const std::string& why) {
  return fail(ErrorCode::unauthenticated, "signature_invalid", "cannot accept poll: " + why);
}

}  // namespace

PollApi::PollApi(Context& context, SequenceNumbers& numbers, Exposer& exposer, Refresher& refresher,
                 std::function<void()> unknown_key)
    : context_(context),
      numbers_(numbers),
      exposer_(exposer),
      refresher_(refresher),
      unknown_key_(std::move(unknown_key)) {}

void PollApi::add_routes(net::Router& router) {
  router.add("GET", "/health", [this](const net::ServerRequest& request) { return health(request); });
  router.add("GET", "/log", [this](const net::ServerRequest& request) { return log_page(request); });
}

net::ServerResponse PollApi::public_health() const {
  protocol::PublicHealth health;
  health.version = DD_VERSION;
  const bool simulated = context_.state.keys.attestation_type != "tdx";
  health.integrity = !context_.state.membership ? "unregistered" : simulated ? "simulated" : "attested";
  return net::json_response(to_text(protocol::to_json_value(health)));
}

net::Task<Result<net::ServerResponse>> PollApi::health(const net::ServerRequest& request) {
  if (request.headers.find(protocol::kChallengeHeader) == nullptr) {
    if (!context_.options.compat || !context_.state.membership) co_return public_health();
    auto answering = seed_health();
    co_return co_await std::move(answering);
  }
  const auto poll = accept_poll(request, Use::once);
  if (!poll) co_return tl::unexpected(poll.error());
  for (const auto& session : poll->signed_out) context_.state.sessions.revoke(session, context_.clock.unix_seconds());
  context_.state.sessions.revoke_all_until(poll->all_over_until);
  auto health = co_await full_health(poll->log_from);
  if (!health) co_return tl::unexpected(health.error());
  auto body = to_text(protocol::to_json_value(*health));
  auto proof = co_await proof_for(*std::move(health), body, poll->nonce);
  if (!proof) co_return tl::unexpected(proof.error());
  context_.state.poll_nonce = poll->nonce;
  ++context_.state.polls;
  refresher_.polled();
  auto response = net::json_response(std::move(body));
  response.headers.set(protocol::kProofHeader, *std::move(proof));
  co_return response;
}

net::Task<Result<net::ServerResponse>> PollApi::log_page(const net::ServerRequest& request) {
  const auto poll = accept_poll(request, Use::pages);
  if (!poll) co_return tl::unexpected(poll.error());
  const auto from = decimal<std::int64_t>(request.query_value("from").value_or("0"));
  if (!from || *from < 0)
    co_return fail_at(ErrorCode::invalid_argument, "from", "cannot read from: want the index of an event");
  const auto page = co_await context_.capability.log(*from);
  if (!page) co_return wrap(page.error(), "cannot read the event log");
  co_return net::json_response(to_text(protocol::to_json_value(*page)));
}

/// A control plane of the earlier system reads all of it without a challenge.
net::Task<Result<net::ServerResponse>> PollApi::seed_health() {
  auto& state = context_.state;
  const auto deployments = co_await context_.runtime.list();
  if (!state.membership) co_return public_health();
  ++state.polls;
  protocol::SeedAgentHealth health;
  health.ok = deployments.has_value();
  health.agent_id = state.membership->agent_id;
  health.vm_name = context_.options.vm_name;
  health.hostname = state.membership->hostname;
  health.owner = context_.options.owner.login;
  health.attestation_type = state.keys.attestation_type;
  if (deployments)
    for (const auto& info : *deployments)
      if (is_live(info.status)) health.deployments.push_back(info.app_name);
  health.metrics = read_metrics();
  health.interfaces = read_interfaces();
  health.disks = read_disks();
  health.uptime_secs = uptime_secs();
  health.ita_token = state.shown.token;
  health.extra_ingress = exposer_.published();
  co_return net::json_response(to_text(protocol::to_json_value(health)));
}

std::int64_t PollApi::uptime_secs() const {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_).count();
}

Result<protocol::PollClaims> PollApi::accept_poll(const net::ServerRequest& request, Use use) {
  const auto* header = request.headers.find(protocol::kChallengeHeader);
  if (header == nullptr) return fail(ErrorCode::unauthenticated, "cannot accept poll: header DD-Challenge is missing");
  const auto statement = crypto::parse_statement(*header, crypto::kPollTyp);
  if (!statement) return refuse(statement.error().message);
  const auto& membership = context_.state.membership;
  if (!membership || statement->kid != membership->cp_key.kid()) {
    unknown_key_();
    return fail(ErrorCode::unauthenticated, "cp_key_unknown",
                "cannot accept poll: it is signed by a key that this agent does not know");
  }
  const auto now = context_.clock.unix_seconds();
  const crypto::StatementRule rule{crypto::kPollTyp, membership->agent_id, crypto::Expiry::required, now};
  if (auto good = crypto::verify_statement(*statement, membership->cp_key, rule); !good)
    return refuse(good.error().message);
  const auto claims = protocol::poll_claims_from(*statement->claims);
  if (!claims) return refuse(claims.error().message);
  if (claims->issuer != context_.cp_origin) return refuse("it comes from " + claims->issuer);

  std::erase_if(seen_, [now](const auto& entry) { return entry.second < now; });
  if (use == Use::once) {
    if (seen_.size() >= kSeenLimit) return fail(ErrorCode::rate_limited, "cannot accept poll: too many at once");
    if (!seen_.emplace(claims->nonce, claims->expires_at).second)
      return fail(ErrorCode::unauthenticated, "replayed", "cannot accept poll: its nonce was used before");
  }
  return *claims;
}

net::Task<Result<protocol::AgentHealth>> PollApi::full_health(std::int64_t log_from) {
  const auto& state = context_.state;
  auto page = co_await context_.capability.log(log_from);
  if (!page) co_return wrap(page.error(), "cannot read the event log");
  const auto deployments = co_await context_.runtime.list();
  if (!state.membership) co_return fail(ErrorCode::unavailable, "cannot answer poll: not registered any more");

  protocol::AgentHealth health;
  health.base.version = DD_VERSION;
  health.base.integrity = state.keys.attestation_type == "tdx" ? "attested" : "simulated";
  // Without the runtime the agent still proves itself; the missing list says what is wrong.
  health.base.ok = deployments.has_value();
  health.agent_id = state.membership->agent_id;
  health.vm_name = context_.options.vm_name;
  health.hostname = state.membership->hostname;
  health.owner = context_.options.owner.login;
  health.boot_id = state.keys.boot_id;
  health.ita_token = state.shown.token;
  health.binding = state.shown.binding;
  health.log = *std::move(page);
  if (deployments)
    for (const auto& info : *deployments)
      health.deployments.push_back({info.app_name, std::string(dd::to_string(info.status))});
  health.extra_ingress = exposer_.published();
  health.uptime_secs = uptime_secs();
  health.metrics = read_metrics();
  co_return health;
}

net::Task<Result<std::string>> PollApi::proof_for(protocol::AgentHealth health, std::string body, Digest256 nonce) {
  const auto number = co_await numbers_.next();
  if (!number) co_return tl::unexpected(number.error());
  protocol::ProofClaims proof;
  proof.audience = context_.cp_origin;
  proof.issuer = health.agent_id;
  proof.issued_at = context_.clock.unix_seconds();
  proof.boot_id = health.boot_id;
  proof.nonce = nonce;
  proof.token_sha256 = crypto::sha256(as_bytes(health.ita_token));
  proof.body_sha256 = crypto::sha256(as_bytes(body));
  proof.log_head = health.log.head;
  proof.seq = *number;
  co_return co_await context_.capability.sign(std::string(crypto::kProofTyp), protocol::to_json_value(proof));
}

}  // namespace dd::agent
