#include "libdd/cp/registrar.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "dd/log.hpp"
#include "libdd/core/json.hpp"
#include "libdd/cp/agent_link.hpp"
#include "libdd/cp/dropper.hpp"
#include "libdd/cp/evidence.hpp"
#include "libdd/cp/run_token.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd::cp {
namespace {

/// What is read on the io thread at once.
constexpr std::size_t kSmallBody = 64 * 1024;

}  // namespace

/// A registration on its way through the checks.
struct Registrar::Request {
  protocol::RegisterClaims claims;
  TdxClaims token;
  Appraised appraised;
  bool credential_shown = false;  // and a good one; otherwise its key is all that it has
};

Registrar::Registrar(Context& context, AgentLink& link, Dropper& dropper)
    : context_(context), link_(link), dropper_(dropper), gate_(context) {}

void Registrar::add_routes(net::Router& router) {
  net::RouteOptions small;
  small.max_body = 1024;
  router.add(
      "POST", "/register/challenge", [this](const net::ServerRequest& request) { return challenge(request); },
      std::move(small));

  net::RouteOptions large;
  large.max_body = kMaxRegistration;
  large.authenticate = [this](const net::ServerRequest& request) { return gate_.authenticate(request); };
  router.add(
      "POST", "/register", [this](const net::ServerRequest& request) { return enrol(request); }, std::move(large));
}

net::Task<Result<net::ServerResponse>> Registrar::challenge(const net::ServerRequest&) {
  const protocol::ChallengeAnswer answer{context_.nonces.for_register(), kNonceLife.count()};
  co_return net::json_response(to_text(protocol::to_json_value(answer)));
}

net::Task<Result<SentRegistration>> Registrar::read(std::string body, protocol::RegisterHead head) {
  const crypto::StatementRule rule{crypto::kRegisterTyp, context_.origin, crypto::Expiry::absent,
                                   context_.clock.unix_seconds()};
  if (body.size() <= kSmallBody) co_return read_registration(body, head, rule);
  // Its own, since the thread may still be at it when nobody waits any more.
  struct Reading {
    std::string body;
    protocol::RegisterHead head;
    std::string audience;
    std::optional<Result<SentRegistration>> outcome;
  };
  const auto reading = std::make_shared<Reading>();
  reading->body = std::move(body);
  reading->head = std::move(head);
  reading->audience = context_.origin;
  auto work = [reading, now = rule.now] {
    const crypto::StatementRule own{crypto::kRegisterTyp, reading->audience, crypto::Expiry::absent, now};
    reading->outcome = read_registration(reading->body, reading->head, own);
  };
  co_await net::run_on(context_.readers, std::move(work));
  co_return *std::move(reading->outcome);
}

net::Task<Result<net::ServerResponse>> Registrar::enrol(const net::ServerRequest& http) {
  const auto head = gate_.head_of(http);
  if (!head) co_return tl::unexpected(head.error());
  auto sent = co_await read(http.body, *head);
  if (!sent) co_return tl::unexpected(sent.error());
  Request request;
  request.claims = std::move(sent->claims);
  request.credential_shown = http.principal == RegisterGate::kByCredential;
  const auto ours = check_fleet(request.claims);
  if (!ours) co_return tl::unexpected(ours.error());

  auto token = co_await context_.tokens.verify(request.claims.ita_token);
  if (!token) co_return wrap(token.error(), "cannot register");
  request.token = *std::move(token);
  auto appraised = appraise_registration(request.claims, sent->claims_sha256, request.token, context_.policy);
  if (!appraised) co_return tl::unexpected(appraised.error());
  request.appraised = *std::move(appraised);

  const auto answer = co_await admit(request);
  if (!answer) co_return tl::unexpected(answer.error());
  co_return net::json_response(to_text(protocol::to_json_value(*answer)));
}

Result<void> Registrar::check_again(const Request& request, const std::string& kid) const {
  if (context_.store.is_denied(kid))
    return fail(ErrorCode::permission_denied, "revoked", "cannot register: this key was revoked");
  const auto& vm_name = request.claims.vm_name;
  if (request.credential_shown || gate_.needs_no_credential(vm_name, kid)) return {};
  if (context_.store.find_live(vm_name) != nullptr) return name_held(vm_name);
  return fail(ErrorCode::unauthenticated, "join_credential_invalid",
              "cannot register: this key lost its place meanwhile, and needs a new credential");
}

Result<void> Registrar::check_fleet(const protocol::RegisterClaims& claims) const {
  const auto& options = context_.options;
  if (claims.owner != options.owner.login)
    return fail(ErrorCode::permission_denied, "owner_mismatch",
                "cannot register: owner is " + claims.owner + ", this fleet belongs to " + options.owner.login);
  if (claims.env_label != options.env)
    return fail(ErrorCode::permission_denied, "env_mismatch",
                "cannot register: environment is " + claims.env_label + ", this one is " + options.env);
  return {};
}

net::Task<Result<void>> Registrar::settle_name(std::string vm_name, std::string kid) {
  const auto* holder = context_.store.find_live(vm_name);
  if (holder == nullptr) co_return Result<void>();
  AgentRecord record = *holder;
  // What has no key cannot prove itself, so it cannot keep its name from a VM that does.
  if (record.compat) co_return co_await dropper_.drop(std::move(record), "its VM registered with attestation");
  if (record.signing_key.kid() == kid) co_return Result<void>();
  const auto outcome = co_await link_.poll(record);
  if (outcome.finding == Finding::proven) {
    const auto saved = co_await context_.store.save(outcome.record);
    if (!saved) co_return tl::unexpected(saved.error());
    co_return name_held(vm_name);
  }
  log::info("name taken over", {{"vm", vm_name}, {"from", record.agent_id}, {"why", outcome.reason}});
  co_return co_await dropper_.drop(std::move(record), "its name was taken over: " + outcome.reason);
}

/// Everything that a registration says about an agent; its id, tunnel and call numbers stay.
void Registrar::fill(AgentRecord& record, const Request& request, std::int64_t now) {
  const auto& claims = request.claims;
  record.vm_name = claims.vm_name;
  record.signing_key = claims.signing_key;
  record.sealing_key = claims.sealing_key;
  record.boot_id = claims.boot_id;
  record.status = AgentStatus::healthy;
  record.reason.clear();
  record.renewable = false;
  record.token_untaken = false;
  record.quarantined_at = record.dropped_at = 0;
  record.registered_at = record.last_seen = now;
  record.failed_polls = 0;
  record.pins = request.token;
  record.facts = request.appraised.facts;
  record.verdict = to_text(dd::to_json_value(request.appraised.verdict));
  record.tcb_status = request.token.tcb_status;
  record.log_length = static_cast<std::int64_t>(request.appraised.log.size());
  record.log_head = request.appraised.log.head();
  record.quoted_events = claims.quoted_events;
  record.quoted_head = request.appraised.log.head_at(static_cast<std::size_t>(claims.quoted_events));
  record.register_token_sha256 = crypto::sha256(as_bytes(claims.ita_token));
  record.token_expires_at = request.token.expires_at;
  record.extras = claims.extra_ingress;
  record.agent_port = claims.agent_port;
}

net::Task<Result<protocol::RegisterAnswer>> Registrar::admit(Request& request) {
  const auto& claims = request.claims;
  const auto kid = claims.signing_key.kid();
  if (context_.options.admission) {
    const Candidate candidate{claims.vm_name, kid, request.token, request.appraised.facts, request.appraised.verdict};
    const auto admitted = context_.options.admission(candidate);
    if (!admitted) co_return fail(ErrorCode::permission_denied, "admission_refused", admitted.error().message);
  }
  const auto turn = co_await context_.turns.take(claims.vm_name);
  // What was seen before the turn may be different by now: revoked, dropped, taken over.
  if (const auto still = check_again(request, kid); !still) co_return tl::unexpected(still.error());
  const auto free = co_await settle_name(claims.vm_name, kid);
  if (!free) co_return tl::unexpected(free.error());

  auto entry = co_await old_or_new_entry(claims.vm_name, kid);
  if (!entry) co_return tl::unexpected(entry.error());
  AgentRecord record = *std::move(entry);
  if (record.registered_at != 0) {
    const auto same = co_await check_drift(record, request.token);
    if (!same) co_return tl::unexpected(same.error());
  }
  fill(record, request, context_.clock.unix_seconds());

  auto token = co_await context_.provisioner.provision(record);
  if (!token) co_return wrap(token.error(), "cannot register");
  const auto ended = co_await end_renewals(record.vm_name, record.agent_id);
  if (!ended) co_return wrap(ended.error(), "cannot register");
  const auto saved = co_await context_.store.save(record);
  if (!saved) co_return wrap(saved.error(), "cannot register");
  link_.tell_anew(record.agent_id);
  log::info("agent registered", {{"vm", record.vm_name}, {"agent", record.agent_id}, {"kid", kid}});
  co_return co_await answer_for(std::move(record), *std::move(token));
}

// The same key again: same entry, same name; and same tunnel, unless it went with a drop.
net::Task<Result<AgentRecord>> Registrar::old_or_new_entry(std::string vm_name, std::string kid) {
  if (const auto* mine = context_.store.find_live(vm_name); mine != nullptr) co_return *mine;
  const auto* gone = gate_.renewable(vm_name, kid);
  if (gone == nullptr) {
    AgentRecord record;
    record.agent_id = context_.provisioner.new_agent_id();
    record.hostname = context_.provisioner.hostname_of(record.agent_id);
    co_return record;
  }
  const auto agent_id = gone->agent_id;
  if (gone->status == AgentStatus::dropping) {
    AgentRecord half_gone = *gone;
    const auto finished = co_await dropper_.finish(std::move(half_gone));
    if (!finished) co_return wrap(finished.error(), "cannot register");
  }
  const auto* known = context_.store.find(agent_id);
  if (known == nullptr) co_return fail(ErrorCode::unavailable, "cannot register: its entry has just gone");
  log::info("agent comes back", {{"vm", vm_name}, {"agent", agent_id}});
  co_return *known;
}

// Whoever had the name before has lost it, whatever becomes of its new holder.
net::Task<Result<void>> Registrar::end_renewals(std::string vm_name, std::string but) {
  for (auto& record : context_.store.all()) {
    if (!record.renewable || record.vm_name != vm_name || record.agent_id == but) continue;
    record.renewable = false;
    const auto saved = co_await context_.store.save(std::move(record));
    if (!saved) co_return saved;
  }
  co_return Result<void>();
}

net::Task<Result<void>> Registrar::check_drift(AgentRecord record, TdxClaims token) {
  const auto drift = drift_between(record.pins, token);
  if (drift.empty()) co_return Result<void>();
  const auto why = drift_text(drift);
  const auto vm_name = record.vm_name;
  record.renewable = false;
  const auto dropped = co_await dropper_.drop(std::move(record), why);
  if (!dropped) log::warning("cannot finish dropping", {{"vm", vm_name}, {"why", dropped.error().message}});
  co_return fail(ErrorCode::permission_denied, "policy_refused", "cannot register: " + why);
}

net::Task<Result<protocol::RegisterAnswer>> Registrar::answer_for(AgentRecord record, Secret token) {
  auto sealed = seal_run_token(record, token, context_.random);
  if (!sealed) co_return tl::unexpected(sealed.error());
  auto extras = context_.provisioner.extra_hostnames(record);
  if (!extras) co_return tl::unexpected(extras.error());
  protocol::RegisterAnswer answer;
  answer.agent_id = record.agent_id;
  answer.hostname = record.hostname;
  answer.cp_hostname = context_.options.hostname;
  answer.cp_key = context_.cp_key;
  answer.tunnel_token_sealed = *std::move(sealed);
  answer.extra_hostnames = *std::move(extras);
  answer.poll_interval_secs =
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(context_.options.poll_interval).count());
  answer.refresh_secs =
      std::max<std::int64_t>(1, std::chrono::floor<std::chrono::seconds>(context_.options.refresh_interval).count());
  answer.verdict = record.verdict;
  co_return answer;
}

}  // namespace dd::cp
