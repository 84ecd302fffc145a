// Registers, and registers again when the control plane forgot us, was replaced or is silent under a new key; keeps the connector on the right token.
#pragma once

#include "libdd/agent/context.hpp"
#include "libdd/agent/exposer.hpp"
#include "libdd/agent/registration.hpp"
#include "libdd/tunnel/connector.hpp"

namespace dd::agent {

class MembershipKeeper {
 public:
  /// Anyone can send a poll under some key; we ask the control plane about it once in `doubt_pause` at most.
  static constexpr std::chrono::milliseconds kDoubtPause{2'000};

  MembershipKeeper(Context& context, Exposer& exposer, tunnel::Connector& connector,
                   std::chrono::milliseconds doubt_pause = kDoubtPause);
  /// Until stop().
  net::Task<void> run();
  void stop();

  /// The control plane said that it does not know us: register again.
  void forgotten();
  /// A poll came under a key that we do not know: register again if the control plane at our origin really has a new one.
  void unknown_key();

 private:
  enum class Doubt { none, silence, unknown_key, forgotten };

  net::Task<Result<void>> join();
  net::Task<void> join_until_done();
  /// Until somebody doubts, or no poll came for long: then the control plane is asked as after a poll under an unknown key.
  net::Task<void> wait_for_doubt();

  Context& context_;
  Exposer& exposer_;
  tunnel::Connector& connector_;
  Registration registration_;
  std::chrono::milliseconds doubt_pause_;
  net::Event doubted_;
  net::Event stop_;  // apart from doubted_: doubt must not cut a pause short
  Doubt doubt_ = Doubt::none;
  bool stopping_ = false;
};

}  // namespace dd::agent
