#include "libdd/cp/agent_link.hpp"

#include <nlohmann/json.hpp>

#include "libdd/attest/boot_workloads.hpp"
#include "libdd/core/json.hpp"
#include "libdd/cp/compat_poll.hpp"
#include "libdd/cp/evidence.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/net/http_client.hpp"
#include "libdd/net/url.hpp"

namespace dd::cp {
namespace {

constexpr std::int64_t kPollLife = 60;
constexpr std::size_t kMaxAnswer = 4 * 1024 * 1024;
constexpr std::int64_t kLongestLog = static_cast<std::int64_t>(EventLog::kMaxEvents);

constexpr std::size_t kLongestReason = 1024;

}  // namespace

PollOutcome outcome_of(Finding finding, std::string reason, AgentRecord record) {
  if (reason.size() > kLongestReason) reason.resize(kLongestReason);
  return {finding, std::move(reason), std::move(record)};
}

Finding finding_of_token(const Error& error) noexcept {
  if (error.reason == "token_expired") return Finding::expired;
  return error.code == ErrorCode::unavailable ? Finding::unreachable : Finding::refused;
}

/// What was asked and what came back.
struct AgentLink::Exchange {
  Digest256 nonce{};
  HttpResponse response;
  std::uint64_t told = 0;
};

std::string Context::agent_url(const std::string& hostname) const { return net::origin_of_host(origin, hostname); }

net::Task<Result<AgentLink::Exchange>> AgentLink::ask(AgentRecord record, std::string path) {
  Exchange exchange;
  exchange.nonce = context_.nonces.for_poll(record.agent_id);
  const auto now = context_.clock.unix_seconds();
  auto ended = context_.sessions.ended_after(told_[record.agent_id], now);
  exchange.told = ended.told;
  const protocol::PollClaims claims{record.agent_id,
                                    context_.origin,
                                    now,
                                    now + kPollLife,
                                    exchange.nonce,
                                    record.quoted_events,
                                    std::move(ended.sessions),
                                    context_.sessions.all_over_until()};
  auto statement = co_await context_.capability.sign(std::string(crypto::kPollTyp), protocol::to_json_value(claims));
  if (!statement) co_return wrap(statement.error(), "cannot sign poll");

  HttpRequest request;
  request.url = context_.agent_url(record.hostname) + path;
  request.headers.set(protocol::kChallengeHeader, *std::move(statement));
  request.deadline = context_.options.poll_timeout;
  request.max_response_bytes = kMaxAnswer;
  auto response = co_await net::send(context_.transport, std::move(request));
  if (!response) co_return tl::unexpected(response.error());
  if (response->status != 200) co_return tl::unexpected(net::error_from(*response));
  exchange.response = *std::move(response);
  co_return exchange;
}

net::Task<PollOutcome> AgentLink::poll(AgentRecord record) {
  if (record.compat) co_return co_await poll_compat(context_, std::move(record));
  auto exchange = co_await ask(record, "/health");
  if (!exchange) co_return outcome_of(Finding::unreachable, exchange.error().message, std::move(record));
  const auto told = exchange->told;
  auto outcome = co_await judge(std::move(record), *std::move(exchange));
  // Only its own signature says that it has heard.
  if (outcome.finding == Finding::proven) told_[outcome.record.agent_id] = told;
  co_return outcome;
}

void AgentLink::forget_strangers() {
  std::erase_if(told_, [this](const auto& entry) { return context_.store.find(entry.first) == nullptr; });
}

net::Task<PollOutcome> AgentLink::judge(AgentRecord record, Exchange exchange) {
  if (exchange.response.headers.find(protocol::kProofHeader) == nullptr)
    co_return outcome_of(Finding::unreachable, "the answer carries no proof", std::move(record));
  const auto value = parse_json(exchange.response.body, {.max_bytes = kMaxAnswer});
  if (!value) co_return outcome_of(Finding::refused, value.error().message, std::move(record));
  const auto health = protocol::agent_health_from(*value);
  if (!health) co_return outcome_of(Finding::refused, health.error().message, std::move(record));
  const auto proof = check_proof(record, exchange, *health);
  if (!proof) co_return outcome_of(Finding::refused, proof.error().message, std::move(record));

  const auto token = co_await context_.tokens.verify(health->ita_token);
  if (!token) {
    const auto finding = finding_of_token(token.error());
    co_return outcome_of(finding, token.error().message, std::move(record));
  }
  const auto drift = drift_between(record.pins, *token);
  if (!drift.empty()) co_return outcome_of(Finding::refused, drift_text(drift), std::move(record));

  const auto log = co_await read_log(record, health->log);
  if (!log) {
    const bool silent = log.error().code == ErrorCode::unavailable || log.error().code == ErrorCode::deadline_exceeded;
    co_return outcome_of(silent ? Finding::unreachable : Finding::refused, log.error().message, std::move(record));
  }
  const auto bound = check_binding(record, *health, *log, *token);
  if (!bound) co_return outcome_of(Finding::refused, bound.error().message, std::move(record));

  record.facts.privileged = record.facts.privileged || log->privileged();
  for (const auto& workload : log->boot_workloads())
    if (const auto added = attest::add_boot_workload(workload, record.facts); !added)
      co_return outcome_of(Finding::refused, "event log: " + added.error().message, std::move(record));
  const auto verdict = context_.policy.appraise(*token, record.facts);
  if (!verdict.accepted) co_return outcome_of(Finding::refused, "policy: " + verdict.summary(), std::move(record));

  record.verdict = to_text(dd::to_json_value(verdict));
  record.tcb_status = token->tcb_status;
  record.token_expires_at = token->expires_at;
  record.log_length = log->length();
  record.log_head = log->head();
  if (health->binding.tag == kRefreshTag) {
    record.quoted_events = health->binding.quoted_events;
    record.quoted_head = *log->head_at(record.quoted_events);
  }
  record.last_seen = context_.clock.unix_seconds();
  record.failed_polls = 0;
  record.reason.clear();
  record.token_untaken = false;
  co_return outcome_of(Finding::proven, {}, std::move(record));
}

Result<void> AgentLink::check_proof(AgentRecord& record, const Exchange& exchange,
                                    const protocol::AgentHealth& health) const {
  const auto wrong = [](const std::string& what) {
    return fail(ErrorCode::unauthenticated, "signature_invalid", "proof: " + what);
  };
  const auto statement =
      crypto::parse_statement(*exchange.response.headers.find(protocol::kProofHeader), crypto::kProofTyp);
  if (!statement) return wrong(statement.error().message);
  const crypto::StatementRule rule{crypto::kProofTyp, context_.origin, crypto::Expiry::absent,
                                   context_.clock.unix_seconds()};
  if (auto good = crypto::verify_statement(*statement, record.signing_key, rule); !good)
    return wrong(good.error().message);
  const auto proof = protocol::proof_claims_from(*statement->claims);
  if (!proof) return wrong(proof.error().message);
  if (proof->issuer != record.agent_id) return wrong("it is of agent " + proof->issuer);
  if (proof->nonce != exchange.nonce) return wrong("it answers another challenge");
  if (proof->body_sha256 != crypto::sha256(as_bytes(exchange.response.body)))
    return wrong("the answer's body is not what was signed");
  if (proof->token_sha256 != crypto::sha256(as_bytes(health.ita_token))) return wrong("it names another token");
  if (proof->log_head != health.log.head) return wrong("it names another log head");
  if (proof->boot_id != record.boot_id || health.boot_id != record.boot_id) return wrong("it is of another boot");
  if (health.agent_id != record.agent_id) return wrong("the answer is of another agent");
  return use_seq(record, proof->seq);
}

net::Task<Result<LogTail>> AgentLink::read_log(AgentRecord record, protocol::LogPage first) {
  const auto broken = [](const std::string& what) {
    return fail(ErrorCode::permission_denied, "log_mismatch", "event log: " + what);
  };
  LogTail tail(record.quoted_events, record.quoted_head);
  protocol::LogPage page = std::move(first);
  const auto total = page.total;
  const auto head = page.head;
  if (total < record.log_length) co_return broken("it is shorter than before");
  if (total > kLongestLog) co_return broken("it is longer than " + std::to_string(kLongestLog) + " events");
  while (true) {
    if (page.from != tail.length())
      co_return broken("asked from " + std::to_string(tail.length()) + ", got from " + std::to_string(page.from));
    const auto before = tail.length();
    const auto appended = tail.append(page.events);
    if (!appended) co_return broken(appended.error().message);
    if (tail.length() >= total) break;
    if (tail.length() == before) co_return broken("it ends before its own total");
    const auto next = co_await ask(record, "/log?from=" + std::to_string(tail.length()));
    if (!next) co_return tl::unexpected(next.error());
    const auto value = parse_json(next->response.body, {.max_bytes = kMaxAnswer});
    if (!value) co_return broken(value.error().message);
    auto read = protocol::log_page_from(*value, "$");
    if (!read) co_return broken(read.error().message);
    page = *std::move(read);
  }
  // Later pages may hold events that came after the signed head; that head must be one of the values on the way.
  const auto* signed_head = tail.head_at(total);
  if (signed_head == nullptr || *signed_head != head)
    co_return broken("it does not replay to the head that was signed");
  const auto* seen_before = tail.head_at(record.log_length);
  if (seen_before == nullptr || *seen_before != record.log_head)
    co_return broken("events that were shown before have changed");
  co_return tail;
}

Result<void> AgentLink::check_binding(const AgentRecord& record, const protocol::AgentHealth& health,
                                      const LogTail& log, const TdxClaims& token) const {
  const auto wrong = [](const std::string& what) {
    return fail(ErrorCode::permission_denied, "report_data_mismatch", "token: " + what);
  };
  const auto& binding = health.binding;
  if (binding.tag == kRegisterTag) {
    if (crypto::sha256(as_bytes(health.ita_token)) == record.register_token_sha256) return {};
    return wrong("it is bound to a registration, and is not the registration's");
  }
  if (binding.tag != kRefreshTag) return wrong("it is bound by tag " + binding.tag);

  const auto age = 2 * context_.options.refresh_interval + std::chrono::seconds(60);
  if (auto fresh = context_.nonces.check_poll(record.agent_id, binding.nonce, age); !fresh)
    return wrong(fresh.error().message);
  const auto* head = log.head_at(binding.quoted_events);
  const auto* before = log.head_at(binding.quoted_events - 1);
  if (head == nullptr)
    return wrong("it is bound to a prefix of the event log that is shorter than the last accepted one");
  const RefreshBinding expected{binding.nonce, context_.origin, record.agent_id, record.signing_key.spki(), *head};
  if (report_data_of(bound_data(expected)) != token.report.report_data)
    return wrong("REPORTDATA is not made of this poll's nonce, agent, key and log");
  if (record.facts.rtmr3_extended && !rtmr3_fits(token, *head, before))
    return wrong("RTMR3 does not fit the event log");
  return {};
}

}  // namespace dd::cp
