// What the agent is at this moment: who it is to the control plane, and what it can show.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "libdd/crypto/okp.hpp"
#include "libdd/enclave_client/capability.hpp"
#include "libdd/identity/cookie_sessions.hpp"
#include "libdd/protocol/health.hpp"

namespace dd::agent {

/// A token and what its REPORTDATA is made of.
struct Shown {
  std::string token;
  protocol::TokenBinding binding;
};

/// What the last registration gave us.
struct Membership {
  std::string agent_id;
  std::string hostname;
  crypto::OkpPublicKey cp_key{crypto::Curve::ed25519, {}};
  std::chrono::milliseconds refresh{180'000};
  std::chrono::milliseconds poll_interval{30'000};  // how often the control plane asks
};

/// Shared by the agent's parts on the io thread.
struct State {
  enclave_client::VmKeys keys;
  std::optional<Membership> membership;
  Shown shown;
  /// Of the last poll that was accepted; a refresh is bound to it.
  std::optional<Digest256> poll_nonce;
  /// Since it registered: polls that were accepted. Under DD_COMPAT=seed polls prove nothing, and whoever asks for its health counts.
  std::uint64_t polls = 0;
  /// Of people at our pages: which were signed out.
  identity::CookieSessions sessions;
};

}  // namespace dd::agent
