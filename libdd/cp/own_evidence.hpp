// What proves this control plane: for its owner (GET /cp/attest, GET /cp/ita), and for whoever else would hold its host name
// (GET /cp/proof).
#pragma once

#include <optional>

#include "libdd/cp/context.hpp"
#include "libdd/ita/minter.hpp"
#include "libdd/net/http_server.hpp"
#include "libdd/protocol/holder.hpp"

namespace dd::cp {

class OwnEvidence {
 public:
  OwnEvidence(Context& context, std::shared_ptr<HttpTransport> transport);
  void add_routes(net::Router& router);

  /// In a VM, and with a key of the trust authority.
  [[nodiscard]] bool can_attest() const noexcept { return can_attest_; }
  /// Mints a token of this VM and verifies it as an agent's. Errors: unsupported where it cannot attest; else the minter's and verifier's.
  net::Task<Result<void>> refresh();
  /// Keeps it fresh until stop().
  net::Task<void> run();
  void stop() { stopping_ = true; }

  /// The tunnel that statements name.
  void set_tunnel(std::string name) { tunnel_ = std::move(name); }
  /// Empty until refresh() succeeded.
  [[nodiscard]] const std::optional<protocol::HolderEvidence>& shown() const noexcept { return shown_; }

 private:
  net::Task<Result<net::ServerResponse>> attest(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> ita();
  net::Task<Result<net::ServerResponse>> proof(const net::ServerRequest& request);
  net::Task<Result<protocol::HolderProof>> prove(Digest256 nonce);

  Context& context_;
  ita::Minter minter_;
  bool can_attest_;
  std::string tunnel_;
  std::optional<protocol::HolderEvidence> shown_;
  int proving_ = 0;
  bool stopping_ = false;
};

}  // namespace dd::cp
