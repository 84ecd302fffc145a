#include "libdd/cp/compat_poll.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/cp/compat_vms.hpp"
#include "libdd/cp/evidence.hpp"
#include "libdd/net/error_body.hpp"
#include "libdd/net/http_client.hpp"

namespace dd::cp {

namespace {

/// An agent of the earlier system has 16 random bytes quoted, and nothing else. What is bound to anything is another's token: agents of ours and control
/// planes show theirs to whoever asks with a challenge.
Result<void> check_unbound(const TdxClaims& token) {
  constexpr std::size_t kRandomBytes = 16;
  const auto& data = token.report.report_data;
  const bool zero_behind =
      std::all_of(data.begin() + kRandomBytes, data.end(), [](std::byte b) { return b == std::byte{0}; });
  if (!token.names_data && zero_behind) return {};
  return fail(ErrorCode::permission_denied, std::string("cannot accept agent: its token is bound to ") +
                                                (token.names_data ? "data that it names" : "64 bytes of REPORTDATA") +
                                                ", as no agent of the earlier system's is");
}

}  // namespace

Result<Verdict> appraise_compat(const Policy& policy, const TdxClaims& token) {
  if (const auto unbound = check_unbound(token); !unbound) return tl::unexpected(unbound.error());
  auto verdict = appraise_token(policy, token, "agent");
  if (!verdict) return verdict;
  verdict->notes = {"not attested: it registered without a key, a challenge or an event log"};
  verdict->accepted = false;
  return verdict;
}

net::Task<Result<protocol::SeedHealth>> ask_compat_health(Context& context, std::string hostname) {
  HttpRequest request;
  request.url = context.agent_url(hostname) + "/health";
  request.deadline = context.options.poll_timeout;
  const auto response = co_await net::send(context.transport, std::move(request));
  if (!response) co_return fail(ErrorCode::unavailable, response.error().message);
  if (response->status != 200) co_return fail(ErrorCode::unavailable, net::error_from(*response).message);
  const auto value = parse_json(response->body);
  auto health = value ? protocol::seed_health_from(*value) : tl::unexpected(value.error());
  if (!health) co_return fail(ErrorCode::unavailable, health.error().message);
  co_return health;
}

net::Task<PollOutcome> poll_compat(Context& context, AgentRecord record) {
  const auto listed = check_compat_vm(context.options.compat_vms, record.vm_name, context.clock.unix_seconds());
  if (!listed) co_return outcome_of(Finding::refused, listed.error().message, std::move(record));

  const auto health = co_await ask_compat_health(context, record.hostname);
  if (!health) co_return outcome_of(Finding::unreachable, health.error().message, std::move(record));
  if (health->vm_name != record.vm_name)
    co_return outcome_of(Finding::refused, "the answer is of VM " + health->vm_name, std::move(record));

  const auto token = co_await context.tokens.verify(health->ita_token);
  if (!token) {
    const auto finding = finding_of_token(token.error());
    co_return outcome_of(finding, token.error().message, std::move(record));
  }
  const auto drift = drift_between(record.pins, *token);
  if (!drift.empty()) co_return outcome_of(Finding::refused, drift_text(drift), std::move(record));
  const auto verdict = appraise_compat(context.policy, *token);
  if (!verdict) co_return outcome_of(Finding::refused, verdict.error().message, std::move(record));

  record.verdict = to_text(dd::to_json_value(*verdict));
  record.tcb_status = token->tcb_status;
  record.token_expires_at = token->expires_at;
  record.last_seen = context.clock.unix_seconds();
  record.failed_polls = 0;
  record.reason.clear();
  co_return outcome_of(Finding::proven, {}, std::move(record));
}

}  // namespace dd::cp
