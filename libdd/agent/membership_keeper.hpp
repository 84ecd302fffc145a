// Registers, and registers again when the control plane forgot us, was replaced or is silent under a new key; keeps the connector on the right token.
#pragma once

#include "libdd/agent/context.hpp"
#include "libdd/agent/cp_calls.hpp"
#include "libdd/agent/exposer.hpp"
#include "libdd/agent/registration.hpp"
#include "libdd/tunnel/connector.hpp"

namespace dd::agent {

class MembershipKeeper {
 public:
  /// Anyone can send a poll under some key; we ask the control plane about it once in `doubt_pause` at most.
  static constexpr std::chrono::milliseconds kDoubtPause{2'000};

  MembershipKeeper(Context& context, CpCalls& calls, Exposer& exposer, tunnel::Connector& connector,
                   std::chrono::milliseconds doubt_pause = kDoubtPause);
  /// Until stop().
  net::Task<void> run();
  void stop();

  /// The control plane said that it does not know us: register again. Nothing proves that it was the control plane, so it is believed once in
  /// DD_RENEW_PAUSE, and less often the longer nobody polls.
  void forgotten();
  /// The connector says that its tunnel is gone: register again, if it still says so when that is believed.
  void tunnel_gone();
  /// A poll came under a key that we do not know: register again if the control plane at our origin really has a new one.
  void unknown_key();

 private:
  enum class Doubt { none, silence, unknown_key, no_tunnel, forgotten };

  net::Task<Result<void>> join();
  net::Task<void> join_until_done();
  /// Until somebody doubts, or no poll came for long: then the control plane is asked as after a poll under an unknown key.
  net::Task<void> wait_for_doubt();

  net::Task<bool> is_unknown();
  /// Whether nothing of it is left: `polls` had come when it arose.
  [[nodiscard]] bool is_settled(Doubt doubt, std::uint64_t polls) const;
  /// Until the word of somebody who may not be the control plane is believed again.
  net::Task<void> wait_to_believe();

  Context& context_;
  CpCalls& calls_;
  Exposer& exposer_;
  tunnel::Connector& connector_;
  Registration registration_;
  std::chrono::milliseconds doubt_pause_;
  net::Event doubted_;
  net::Event stop_;  // apart from doubted_: doubt must not cut a pause short
  Doubt doubt_ = Doubt::none;
  std::chrono::milliseconds believe_pause_{0};
  std::chrono::steady_clock::time_point believed_at_{};
  bool stopping_ = false;
};

}  // namespace dd::agent
