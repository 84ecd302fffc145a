// One deployment takes the place of another beside which it was started: the ingress moves, and the one before is stopped when nobody is led to
// it any more.
#pragma once

#include <string>

#include "dd/workload.hpp"
#include "libdd/agent/context.hpp"
#include "libdd/agent/exposer.hpp"

namespace dd::agent {

/// Use on one io thread.
class Handover {
 public:
  /// How long the one before runs on, at most, once the new one is public: a connector may never say what it runs, and a visitor may never go.
  static constexpr std::chrono::milliseconds kLongestFarewell{10'000};

  Handover(Context& context, Exposer& exposer, std::chrono::milliseconds longest_farewell = kLongestFarewell)
      : context_(context), exposer_(exposer), longest_farewell_(longest_farewell) {}

  /// Whether it is to run beside the one before: as it is asked for, else where every port is the platform's choice and a failure is rolled back.
  /// Errors: invalid_argument where both cannot be had at once.
  [[nodiscard]] static Result<bool> is_wanted(const DeployRequest& request);

  /// Until no earlier deployment of the app lives, or `to` itself does not: then those are left alone.
  net::Task<void> complete(std::string app_name, std::string to);

 private:
  /// False when it does not live any more.
  net::Task<bool> until_public(std::string to);
  net::Task<void> until_left(std::vector<DeploymentInfo> earlier);
  net::Task<void> stop_all(std::vector<DeploymentInfo> earlier, std::string to);
  /// Live ones that were asked for before `to`; none when that does not live.
  net::Task<Result<std::vector<DeploymentInfo>>> earlier_than(std::string app_name, std::string to);
  net::Task<bool> connector_runs(tunnel::ConfigVersion version);

  Context& context_;
  Exposer& exposer_;
  std::chrono::milliseconds longest_farewell_;
};

}  // namespace dd::agent
