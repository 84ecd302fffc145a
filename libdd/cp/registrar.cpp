#include "libdd/cp/registrar.hpp"

#include <algorithm>

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

constexpr std::chrono::seconds kNonceLife{120};
constexpr std::size_t kMaxRegistration = 4 * 1024 * 1024;
constexpr const char* kWhere = "$.registration";

Result<crypto::ParsedJws> statement_in(const std::string& body) {
  const auto value = parse_json(body, {.max_bytes = kMaxRegistration});
  if (!value) return tl::unexpected(value.error());
  ObjectReader reader(*value, "$");
  const auto text = reader.text("registration", {.least = 1, .most = kMaxRegistration});
  if (reader.error()) return tl::unexpected(*reader.error());
  auto statement = crypto::parse_statement(text, crypto::kRegisterTyp);
  if (!statement) return fail_at(ErrorCode::malformed, kWhere, statement.error().message);
  return statement;
}

tl::unexpected<Error> name_held(const std::string& vm_name) {
  return fail(ErrorCode::conflict, "name_held", "cannot register: VM name " + vm_name + " is held by another live key");
}

}  // namespace

/// A registration on its way through the checks.
struct Registrar::Request {
  protocol::RegisterClaims claims;
  Digest256 claims_sha256{};
  TdxClaims token;
  Appraised appraised;
  bool credential_shown = false;  // and a good one; otherwise its key is all that it has
};

Registrar::Registrar(Context& context, AgentLink& link, Dropper& dropper)
    : context_(context), link_(link), dropper_(dropper) {}

void Registrar::add_routes(net::Router& router) {
  net::RouteOptions small;
  small.max_body = 1024;
  router.add(
      "POST", "/register/challenge", [this](const net::ServerRequest& request) { return challenge(request); },
      std::move(small));

  net::RouteOptions large;
  large.max_body = kMaxRegistration;
  // Only the shape: whether the credential is good is asked after nonce and signature, so that it cannot be probed here.
  large.authenticate = [](const net::ServerRequest& request) -> net::Task<Result<std::string>> {
    const auto credential = identity::bearer_token(request.headers);
    if (!credential) co_return tl::unexpected(credential.error());
    co_return std::string("registrant");
  };
  router.add(
      "POST", "/register", [this](const net::ServerRequest& request) { return enrol(request); }, std::move(large));
}

net::Task<Result<net::ServerResponse>> Registrar::challenge(const net::ServerRequest&) {
  const protocol::ChallengeAnswer answer{context_.nonces.for_register(), kNonceLife.count()};
  co_return net::json_response(to_text(protocol::to_json_value(answer)));
}

net::Task<Result<net::ServerResponse>> Registrar::enrol(const net::ServerRequest& http) {
  const auto statement = statement_in(http.body);
  if (!statement) co_return tl::unexpected(statement.error());
  auto claims = protocol::register_claims_from(*statement->claims, kWhere);
  if (!claims) co_return tl::unexpected(claims.error());
  Request request;
  request.claims = *std::move(claims);

  const auto nonce = co_await check_nonce(request.claims.nonce);
  if (!nonce) co_return tl::unexpected(nonce.error());

  const crypto::StatementRule rule{crypto::kRegisterTyp, context_.origin, crypto::Expiry::absent,
                                   context_.clock.unix_seconds()};
  const auto signed_by = crypto::verify_statement(*statement, request.claims.signing_key, rule);
  if (!signed_by) co_return wrap(signed_by.error(), "cannot register");
  const auto kid = request.claims.signing_key.kid();
  if (context_.store.is_denied(kid))
    co_return fail(ErrorCode::permission_denied, "revoked", "cannot register: this key was revoked");

  auto credential = identity::bearer_token(http.headers);
  if (!credential) co_return tl::unexpected(credential.error());
  const auto shown = co_await check_credential(*std::move(credential), kid, request.claims.vm_name);
  if (!shown) co_return tl::unexpected(shown.error());
  request.credential_shown = *shown;
  const auto ours = check_fleet(request.claims);
  if (!ours) co_return tl::unexpected(ours.error());

  auto token = co_await context_.tokens.verify(request.claims.ita_token);
  if (!token) co_return wrap(token.error(), "cannot register");
  request.token = *std::move(token);
  const auto hashed = protocol::hashed_claims(*statement->claims);
  if (!hashed) co_return tl::unexpected(hashed.error());
  auto appraised = appraise_registration(request.claims, *hashed, request.token, context_.policy);
  if (!appraised) co_return tl::unexpected(appraised.error());
  request.appraised = *std::move(appraised);

  const auto answer = co_await admit(request);
  if (!answer) co_return tl::unexpected(answer.error());
  co_return net::json_response(to_text(protocol::to_json_value(*answer)));
}

net::Task<Result<void>> Registrar::check_nonce(Digest256 nonce) {
  const auto ours = context_.nonces.check_register(nonce, kNonceLife);
  if (!ours) co_return ours;
  co_return co_await context_.store.spend_nonce(nonce, context_.clock.unix_seconds() + kNonceLife.count());
}

net::Task<Result<bool>> Registrar::check_credential(Secret credential, std::string kid, std::string vm_name) {
  if (needs_none(vm_name, kid)) co_return false;
  const auto shown = co_await check_shown(std::move(credential), kid, vm_name);
  if (shown) co_return true;
  const bool refused = shown.error().code != ErrorCode::unavailable;
  if (refused && context_.store.find_live(vm_name) != nullptr && context_.store.remembers(vm_name, kid))
    co_return name_held(vm_name);
  co_return tl::unexpected(shown.error());
}

bool Registrar::needs_none(const std::string& vm_name, const std::string& kid) const {
  const auto* holder = context_.store.find_live(vm_name);
  return holder != nullptr ? holder->signing_key.kid() == kid : renewable(vm_name, kid) != nullptr;
}

Result<void> Registrar::check_again(const Request& request, const std::string& kid) const {
  if (context_.store.is_denied(kid))
    return fail(ErrorCode::permission_denied, "revoked", "cannot register: this key was revoked");
  const auto& vm_name = request.claims.vm_name;
  if (request.credential_shown || needs_none(vm_name, kid)) return {};
  if (context_.store.find_live(vm_name) != nullptr) return name_held(vm_name);
  return fail(ErrorCode::unauthenticated, "join_credential_invalid",
              "cannot register: this key lost its place meanwhile, and needs a new credential");
}

const AgentRecord* Registrar::renewable(const std::string& vm_name, const std::string& kid) const {
  const auto renew_for = std::chrono::duration_cast<std::chrono::seconds>(context_.options.renew_for).count();
  return context_.store.find_renewable(vm_name, kid, context_.clock.unix_seconds() - renew_for);
}

net::Task<Result<void>> Registrar::check_shown(Secret credential, std::string kid, std::string vm_name) {
  const std::string text(credential.reveal());
  if (std::count(text.begin(), text.end(), '.') == 2) co_return co_await check_ticket(text, kid, vm_name);

  const auto person = co_await context_.owners.verify(std::move(credential));
  if (person) co_return Result<void>();
  if (person.error().code == ErrorCode::unavailable) co_return wrap(person.error(), "cannot check join credential");
  co_return fail(ErrorCode::unauthenticated, "join_credential_invalid", "cannot register: " + person.error().message);
}

net::Task<Result<void>> Registrar::check_ticket(std::string ticket, std::string kid, std::string vm_name) {
  const auto refused = [](const std::string& why) {
    return fail(ErrorCode::unauthenticated, "join_credential_invalid", "cannot accept join ticket: " + why);
  };
  const auto statement = crypto::parse_statement(ticket, crypto::kJoinTyp);
  if (!statement) co_return refused(statement.error().message);
  const crypto::StatementRule rule{crypto::kJoinTyp, context_.origin, crypto::Expiry::required,
                                   context_.clock.unix_seconds()};
  const auto good = crypto::verify_statement(*statement, context_.cp_key, rule);
  if (!good) co_return refused(good.error().message);
  ObjectReader reader(*statement->claims, "$");
  auto ticket_id = reader.text("jti", {.least = 1, .most = 64});
  const auto expires_at = reader.integer("exp", 0, std::int64_t{1} << 53);
  const auto only_for = reader.optional_text("vm_name");
  if (reader.error()) co_return refused(reader.error()->message);
  if (only_for && *only_for != vm_name) co_return refused("it is for VM " + *only_for);
  co_return co_await context_.store.claim_ticket(std::move(ticket_id), kid, expires_at);
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
  if (holder == nullptr || holder->signing_key.kid() == kid) co_return Result<void>();
  AgentRecord record = *holder;
  // What has no key cannot prove itself, so it cannot keep its name from a VM that does.
  if (record.compat) co_return co_await dropper_.drop(std::move(record), "its VM registered with attestation");
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
  log::info("agent registered", {{"vm", record.vm_name}, {"agent", record.agent_id}, {"kid", kid}});
  co_return co_await answer_for(std::move(record), *std::move(token));
}

// The same key again: same entry, same name; and same tunnel, unless it went with a drop.
net::Task<Result<AgentRecord>> Registrar::old_or_new_entry(std::string vm_name, std::string kid) {
  if (const auto* mine = context_.store.find_live(vm_name); mine != nullptr) co_return *mine;
  const auto* gone = renewable(vm_name, kid);
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
