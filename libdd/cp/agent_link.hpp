// One poll of one agent: the challenge sent, the proof checked, the token and the log judged.
#pragma once

#include <string>

#include "libdd/cp/context.hpp"
#include "libdd/cp/log_tail.hpp"
#include "libdd/protocol/health.hpp"

namespace dd::cp {

enum class Finding {
  proven,       ///< the agent holds its key, its evidence is current and fits
  unreachable,  ///< no usable answer: nothing is known
  expired,      ///< it proved its key and shows a token that is past its exp
  refused,      ///< bad signature, drift, a log that does not continue, policy: drop at once
};

struct PollOutcome {
  Finding finding = Finding::unreachable;
  std::string reason;
  /// The record after the poll: what was accepted is in it. Save it when proven or expired.
  AgentRecord record;
};

/// The reason may quote what an agent answered, and it is kept with the record: it is cut, since a record too long to be read would stop the next start.
[[nodiscard]] PollOutcome outcome_of(Finding finding, std::string reason, AgentRecord record);
/// What a token that was refused says of its agent.
[[nodiscard]] Finding finding_of_token(const Error& error) noexcept;

class AgentLink {
 public:
  explicit AgentLink(Context& context) : context_(context) {}
  /// Callers hold the agent's turn.
  net::Task<PollOutcome> poll(AgentRecord record);
  /// Its process may be a new one, which has heard of no session that was ended.
  void tell_anew(const std::string& agent_id) { told_.erase(agent_id); }
  /// What was remembered of agents that the store no longer knows.
  void forget_strangers();

 private:
  struct Exchange;
  net::Task<Result<Exchange>> ask(AgentRecord record, std::string path);
  net::Task<Result<LogTail>> read_log(AgentRecord record, protocol::LogPage first);
  net::Task<PollOutcome> judge(AgentRecord record, Exchange exchange);
  [[nodiscard]] Result<void> check_proof(AgentRecord& record, const Exchange& exchange,
                                         const protocol::AgentHealth& health) const;
  [[nodiscard]] Result<void> check_binding(const AgentRecord& record, const protocol::AgentHealth& health,
                                           const LogTail& log, const TdxClaims& token) const;

  Context& context_;
  std::map<std::string, std::uint64_t> told_;  // agent_id → of how many ended sessions it has heard: see CookieSessions
};

}  // namespace dd::cp
