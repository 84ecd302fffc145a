// What becomes of each deployment, whoever listens: it is ready or not, and then what was there before comes back.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
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
  std::vector<std::string> earlier_ids;  // of tries of the same request, whose chosen port somebody else took
  std::string app_name;
  std::chrono::milliseconds ready_timeout{60'000};
  OnFailure on_failure = OnFailure::rollback;
  std::string replaced;     // the deployment that was good when this one was asked for, or empty
  bool overlap = false;  // it runs beside that one until it is ready
  std::string rollback_of;  // the one in whose place this was started, or empty
  std::vector<std::string> warnings;  // about the request
  std::set<std::string> chosen_ports;  // labels whose ports are the platform's choice
  /// Starts it again with other ports; its new id. With the app's turn. None where no port was chosen.
  std::function<net::Task<Result<std::string>>()> start_elsewhere;

  bool ready = false;
  bool settled = false;  // nothing more is done for it
  bool rolled_back = false;  // not ready, and the one before serves
  std::string reason;  // why it is not ready
  bool port_taken = false;  // because somebody else listens on a port that was chosen for it
  std::string superseded;  // what somebody wants in its place; nothing is rolled back then

  /// Whether that is the id of one of its tries.
  [[nodiscard]] bool is(const std::string& deployment_id) const {
    return id == deployment_id || std::ranges::find(earlier_ids, deployment_id) != earlier_ids.end();
  }
  void give_way() {
    reason = superseded;
    port_taken = false;
  }
};
using RolloutPtr = std::shared_ptr<Rollout>;

/// Use on one io thread.
class Rollouts {
 public:
  /// Those that are settled; older ones are forgotten.
  static constexpr std::size_t kKept = 256;
  /// How often other ports are chosen when somebody else takes one before it is listened on.
  static constexpr std::size_t kMostNewTries = 2;

  Rollouts(Context& context, Exposer& exposer);

  /// Goes on by itself.
  RolloutPtr begin(Rollout start);
  /// Also by the id of an earlier try. None of a deployment that this agent has not started, or long ago.
  [[nodiscard]] RolloutPtr find(const std::string& id) const;
  /// Whether that deployment is not known to have failed.
  [[nodiscard]] bool may_be_good(const std::string& id) const;
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
  /// judge() of each try.
  net::Task<std::string> judge_tries(RolloutPtr rollout);
  /// False when it is not to be tried again, or cannot be.
  net::Task<bool> try_elsewhere(RolloutPtr rollout);
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
