#include "libdd/cp/evidence.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace dd::cp {
namespace {

Result<EventLog> replay(const protocol::RegisterClaims& claims) {
  EventLog log;
  if (auto taken = log.append_foreign(std::span<const std::string>(claims.event_log)); !taken)
    return fail(ErrorCode::permission_denied, "log_mismatch", "cannot replay event log: " + taken.error().message);
  const auto total = static_cast<std::int64_t>(log.size());
  if (claims.quoted_events != total && claims.quoted_events != total - 1)
    return fail(ErrorCode::permission_denied, "log_mismatch",
                "cannot replay event log: the quote covers " + std::to_string(claims.quoted_events) + " of " +
                    std::to_string(total) + " events, want all or all but one");
  return log;
}

constexpr std::array<std::string_view, 8> kTokenRules = {"mrtd",   "rtmr0",       "rtmr1",      "rtmr2",
                                                         "mrseam", "platform_id", "tcb_status", "debug"};

}  // namespace

Result<Verdict> appraise_token(const Policy& policy, const TdxClaims& token, const std::string& whom) {
  auto verdict = policy.appraise(token, LogFacts{});
  std::erase_if(verdict.rules,
                [](const RuleVerdict& rule) { return std::ranges::find(kTokenRules, rule.rule) == kTokenRules.end(); });
  for (const auto& rule : verdict.rules)
    if (!rule.passed && rule.mode == RuleMode::enforce)
      return fail(ErrorCode::permission_denied, "policy_refused", "cannot accept " + whom + ": " + verdict.summary());
  return verdict;
}

bool rtmr3_fits(const TdxClaims& token, const Digest384& head, const Digest384* one_before) {
  const auto& rtmr3 = token.report.rtmr[3];
  return rtmr3 == head || (one_before != nullptr && rtmr3 == *one_before);
}

Result<Appraised> appraise_registration(const protocol::RegisterClaims& claims, const Digest256& claims_sha256,
                                        const TdxClaims& token, const Policy& policy) {
  auto log = replay(claims);
  if (!log) return tl::unexpected(log.error());
  const auto quoted = static_cast<std::size_t>(claims.quoted_events);
  const auto& head = log->head_at(quoted);

  const RegisterBinding binding{claims.nonce, claims.audience, claims.signing_key.spki(), claims.sealing_key.spki(),
                                head,         claims_sha256};
  if (report_data_of(bound_data(binding)) != token.report.report_data)
    return fail(ErrorCode::permission_denied, "report_data_mismatch",
                "cannot accept evidence: REPORTDATA is not made of this nonce, control plane, keys, event log and "
                "registration");

  auto facts = log_facts(*log);
  if (!facts)
    return fail(ErrorCode::permission_denied, "log_mismatch", "cannot read event log: " + facts.error().message);
  if (facts->boot_id != claims.boot_id)
    return fail(ErrorCode::permission_denied, "log_mismatch",
                "cannot accept event log: it is of boot " + facts->boot_id + ", registered is " + claims.boot_id);
  if (facts->rtmr3_extended && !rtmr3_fits(token, head, quoted > 0 ? &log->head_at(quoted - 1) : nullptr))
    return fail(ErrorCode::permission_denied, "log_mismatch", "cannot accept event log: RTMR3 does not replay to it");

  auto verdict = policy.appraise(token, *facts);
  if (!verdict.accepted)
    return fail(ErrorCode::permission_denied, "policy_refused", "cannot accept agent: " + verdict.summary());
  return Appraised{*std::move(log), *std::move(facts), std::move(verdict)};
}

std::string drift_text(const std::vector<Drift>& drift) {
  const auto& first = drift.front();
  return "drift: " + first.field + " was " + first.before + ", is " + first.after;
}

}  // namespace dd::cp
