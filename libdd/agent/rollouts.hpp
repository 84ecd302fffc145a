// What becomes of each deployment, whoever listens: it is ready or not, and then what was there before comes back.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "dd/workload.hpp"
#include "libdd/agent/context.hpp"
#include "libdd/agent/deployment_watch.hpp"
#include "libdd/agent/exposer.hpp"
#include "libdd/agent/handover.hpp"
#include "libdd/net/turns.hpp"

namespace dd::agent {

struct Rollout {
  std::string id;
  std::string app_name;
  std::chrono::milliseconds ready_timeout{60'000};
  OnFailure on_failure = OnFailure::rollback;
  std::string replaced;     // the deployment that was good when this one was asked for, or empty
  bool overlap = false;  // it runs beside that one until it is ready
  std::string rollback_of;  // the one in whose place this was started, or empty
  std::vector<std::string> warnings;  // about the request

  bool ready = false;
  bool settled = false;  // nothing more is done for it
  bool rolled_back = false;  // not ready, and the one before serves
  std::string reason;  // why it is not ready
  std::string superseded;  // what somebody wants in its place; nothing is rolled back then
};
using RolloutPtr = std::shared_ptr<Rollout>;

/// Use on one io thread.
class Rollouts {
 public:
  /// Those that are settled; older ones are forgotten.
  static constexpr std::size_t kKept = 256;

  Rollouts(Context& context, Exposer& exposer);

  /// Goes on by itself.
  RolloutPtr begin(Rollout start);
  /// None of a deployment that this agent has not started, or long ago.
  [[nodiscard]] RolloutPtr find(const std::string& id) const;
  /// Goes on with what an agent before this one had begun: of two deployments of an app the newer one is to take the place of the other.
  net::Task<void> adopt();
  /// Until it is settled, or after `timeout`.
  net::Task<void> settled(RolloutPtr rollout, std::chrono::milliseconds timeout);

  /// Whoever changes what runs of an app takes it first.
  net::Task<net::Turn::Guard> turn_of(std::string app_name) { return turns_.take(std::move(app_name)); }
  /// With the app's turn: what is under way for it is not brought to an end any more, because of `why`.
  void supersede(const std::string& app_name, const std::string& why);
  /// Which deployment to come back to when one that takes the place of `running` (may be empty) fails.
  [[nodiscard]] std::string good_one(const std::string& app_name, const std::string& running) const;

  /// Those that may have to be started again: what they had is not free yet.
  [[nodiscard]] std::set<std::string> needed() const;

 private:
  net::Task<void> carry(RolloutPtr rollout);
  /// Empty when it is ready, else why it is not.
  net::Task<std::string> judge(RolloutPtr rollout);
  net::Task<std::string> judge_until_over(RolloutPtr rollout);
  net::Task<std::string> judge_steady(RolloutPtr rollout);
  net::Task<void> come_back(RolloutPtr rollout);
  net::Task<Result<RolloutPtr>> start_the_one_before(RolloutPtr rollout);
  void forget_old();

  Context& context_;
  Exposer& exposer_;
  Handover handover_;
  DeploymentWatch watch_;
  net::Turns turns_;
  net::Event changed_;
  std::deque<RolloutPtr> all_;
};

/// Completed; or without a port, and with status 0.
[[nodiscard]] bool ended_well(const DeploymentInfo& info);
/// How a deployment that is over ended, in words: "it exited with status 3".
[[nodiscard]] std::string how_it_ended(const DeploymentInfo& info);
/// What one that runs lacks to be ready, with the ports that it listens on in their place.
[[nodiscard]] std::string what_it_lacks(const DeploymentInfo& info);

}  // namespace dd::agent
