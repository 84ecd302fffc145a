// The pieces of a running agent that its endpoint groups share. Owned by Agent::Impl, borrowed by everyone else.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "dd/agent.hpp"
#include "libdd/agent/state.hpp"
#include "libdd/enclave_client/capability.hpp"
#include "libdd/enclave_client/enclave_client.hpp"
#include "libdd/identity/pat_verifier.hpp"
#include "libdd/ita/minter.hpp"

namespace dd::agent {

struct Context {
  const AgentOptions& options;
  std::string cp_origin;
  asio::any_io_executor executor;
  const Clock& clock;
  Random& random;
  HttpTransport& transport;
  enclave_client::Capability& capability;
  enclave_client::EnclaveClient& runtime;
  ita::Minter& minter;
  identity::PatVerifier& owners;
  State& state;
  std::uint16_t port = 0;  // where we listen
  /// Of the configuration that the connector runs; none while it does not say.
  std::function<net::Task<std::optional<std::int64_t>>()> connector_version = {};
};

}  // namespace dd::agent
