// The pieces of a running control plane that its endpoint groups share. Owned by ControlPlane::Impl, borrowed by everyone else.
#pragma once

#include <string>

#include "dd/control_plane.hpp"
#include "dd/random.hpp"
#include "libdd/cp/nonces.hpp"
#include "libdd/cp/provisioner.hpp"
#include "libdd/cp/store.hpp"
#include "libdd/enclave_client/capability.hpp"
#include "libdd/identity/cookie_sessions.hpp"
#include "libdd/identity/pat_verifier.hpp"
#include "libdd/ita/verifier.hpp"
#include "libdd/net/turns.hpp"

namespace dd::cp {

struct Context {
  const ControlPlaneOptions& options;
  std::string origin;
  asio::any_io_executor executor;
  asio::thread_pool& readers;  // for what takes long and waits for nothing
  const Clock& clock;
  Random& random;
  HttpTransport& transport;
  const Policy& policy;
  Store& store;
  net::Turns& turns;
  Nonces& nonces;
  Provisioner& provisioner;
  ita::Verifier& tokens;
  identity::PatVerifier& owners;
  enclave_client::Capability& capability;
  crypto::OkpPublicKey cp_key;
  std::string attestation_type = {};  // of the VM that this runs in
  identity::CookieSessions sessions = {};  // at our own pages

  /// "https://host" of an agent, with the scheme and port of our own origin.
  [[nodiscard]] std::string agent_url(const std::string& hostname) const;
};

}  // namespace dd::cp
