// Polls of agents that registered on the compat listener: they hold no key, so the answer is worth what their host name is worth.
#pragma once

#include "libdd/cp/agent_link.hpp"

namespace dd::cp {

/// The rules of the policy that a token alone can meet; never accepted, so that nobody takes it for attestation.
/// Errors: permission_denied, reason policy_refused, when an enforced one fails.
[[nodiscard]] Result<Verdict> appraise_compat(const Policy& policy, const TdxClaims& token);

/// Reads the token from the anonymous /health. Callers hold the agent's turn.
net::Task<PollOutcome> poll_compat(Context& context, AgentRecord record);

}  // namespace dd::cp
