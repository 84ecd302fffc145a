// How this VM becomes an agent: challenge, bound quote, token, one signed statement, a sealed answer (docs/wire.md, 5).
#pragma once

#include <chrono>

#include "dd/secret.hpp"
#include "libdd/agent/context.hpp"
#include "libdd/protocol/registration.hpp"

namespace dd::agent {

struct Registered {
  Membership membership;
  Shown shown;
  Secret tunnel_token;
  std::vector<std::string> extra_hostnames;
  std::chrono::milliseconds took{0};
  std::chrono::milliseconds minting{0};  // the attestation service's part of it
};

class Registration {
 public:
  explicit Registration(Context& context) : context_(context) {}
  /// One try. `extras` are published with it.
  net::Task<Result<Registered>> attempt(std::vector<Expose> extras);
  /// Whether the control plane at our origin shows another key than the one we know. False when it cannot be asked.
  net::Task<bool> control_plane_has_new_key();

 private:
  net::Task<Result<Digest256>> challenge();
  [[nodiscard]] protocol::RegisterClaims claims_for(Digest256 nonce, std::vector<Expose> extras) const;
  /// Adds quote, token and log to the claims; how long the attestation service took.
  net::Task<Result<std::chrono::milliseconds>> prove(protocol::RegisterClaims& claims);
  net::Task<Result<std::vector<std::string>>> first_events(std::int64_t count);
  net::Task<Result<protocol::RegisterAnswer>> submit(protocol::RegisterClaims claims);

  Context& context_;
};

}  // namespace dd::agent
