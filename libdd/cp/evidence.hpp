// From a registrant's token and event log to a verdict: REPORTDATA, replay, policy, in this order.
#pragma once

#include "dd/claims.hpp"
#include "dd/event_log.hpp"
#include "dd/policy.hpp"
#include "dd/report_data.hpp"
#include "libdd/protocol/registration.hpp"

namespace dd::cp {

struct Appraised {
  EventLog log;
  LogFacts facts;
  Verdict verdict;
};

/// `claims_sha256` is protocol::hashed_claims of the very claims received.
/// Errors: permission_denied with reason report_data_mismatch, log_mismatch or policy_refused.
[[nodiscard]] Result<Appraised> appraise_registration(const protocol::RegisterClaims& claims,
                                                      const Digest256& claims_sha256, const TdxClaims& token,
                                                      const Policy& policy);

/// The rules that the token alone can answer, for evidence without an event log of an agent; `whom` is "agent" or "control plane".
/// Errors: permission_denied with reason policy_refused.
[[nodiscard]] Result<Verdict> appraise_token(const Policy& policy, const TdxClaims& token, const std::string& whom);

/// Whether RTMR3 fits a log of which `head` is the value that REPORTDATA names; one trailing event may be logged and not extended yet.
[[nodiscard]] bool rtmr3_fits(const TdxClaims& token, const Digest384& head, const Digest384* one_before);

/// The first of them in words. `drift` is not empty.
[[nodiscard]] std::string drift_text(const std::vector<Drift>& drift);

}  // namespace dd::cp
