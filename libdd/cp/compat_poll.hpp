// Polls of agents that registered on the compat listener: they hold no key, so the answer is worth what their host name is worth.
#pragma once

#include <string>

#include "libdd/cp/agent_link.hpp"
#include "libdd/protocol/seed.hpp"

namespace dd::cp {

/// The rules of the policy that a token alone can meet; never accepted, so that nobody takes it for attestation.
/// Errors: permission_denied, reason policy_refused, when an enforced one fails.
[[nodiscard]] Result<Verdict> appraise_compat(const Policy& policy, const TdxClaims& token);

/// The anonymous /health. Errors: unavailable, whatever was wrong with the answer.
net::Task<Result<protocol::SeedHealth>> ask_compat_health(Context& context, std::string hostname);

/// Reads the token from the anonymous /health. Callers hold the agent's turn.
net::Task<PollOutcome> poll_compat(Context& context, AgentRecord record);

}  // namespace dd::cp
