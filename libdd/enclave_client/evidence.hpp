// Evidence over a caller's nonce, as agents and control planes give it (docs/wire.md, 5.5).
#pragma once

#include "libdd/enclave_client/capability.hpp"
#include "libdd/net/http_server.hpp"
#include "libdd/protocol/fleet.hpp"

namespace dd::enclave_client {

/// What `?nonce=` says: 16 to 64 bytes in base64url. Errors: invalid_argument, with the parameter's name, for anything else: report data
/// is never taken from a caller.
[[nodiscard]] Result<Bytes> evidence_nonce(const net::ServerRequest& request);

/// A quote bound to `nonce`, the VM's keys and the whole log; without a token. Errors: those of the runtime.
[[nodiscard]] net::Task<Result<protocol::Evidence>> gather_evidence(Capability& capability, Bytes nonce);

}  // namespace dd::enclave_client
