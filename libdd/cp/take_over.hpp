// One host name, one control plane. A new one proves itself and is ready before it takes the name; the one before learns of it from
// the DNS record, has the new one prove itself, and leaves (docs/adr/0010).
#pragma once

#include <chrono>
#include <functional>

#include "libdd/cp/own_evidence.hpp"
#include "libdd/cp/self_tunnel.hpp"

namespace dd::cp {

/// Who answers at the control plane's host name.
struct Holder {
  std::string kid;  // of its signing key
  std::string tunnel;  // its name
  bool attested = false;
};

/// Whether `proof` was made for `nonce` by the key that it shows and, where it carries evidence, in a VM that the policy's rules on tokens
/// accept. Errors: unauthenticated, permission_denied, malformed; those of the token's verifier.
[[nodiscard]] net::Task<Result<Holder>> check_holder(Context& context, protocol::HolderProof proof, Digest256 nonce);

class TakeOver {
 public:
  /// `leave` is called once, when another control plane has taken the name.
  TakeOver(Context& context, OwnEvidence& own, SelfTunnel& tunnel, tunnel::TunnelProvider& tunnels,
           std::function<void()> leave);

  /// Points the host name here, after whatever a take-over needs. Errors: conflict when the one that holds it is attested and this one is not;
  /// unavailable when the connector does not get ready; those of Cloudflare.
  net::Task<Result<void>> take();
  /// Until stop() or `leave`.
  net::Task<void> watch();
  void stop() { stopping_ = true; }
  /// One look at who holds the name. Errors: what stands in the way of telling, or of leaving.
  net::Task<Result<void>> look();

  /// How long the connector may take to get ready.
  void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }

 private:
  net::Task<Result<Holder>> ask();
  /// Whether a control plane answers there, which this one may replace.
  net::Task<Result<bool>> may_take(tunnel::DnsRecord record);

  Context& context_;
  OwnEvidence& own_;
  SelfTunnel& tunnel_;
  tunnel::TunnelProvider& tunnels_;
  std::function<void()> leave_;
  std::chrono::milliseconds patience_{60'000};
  bool stopping_ = false;
};

}  // namespace dd::cp
