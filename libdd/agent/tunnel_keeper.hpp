// A tunnel that was deleted at Cloudflare has a connector that never gets ready: then the control plane is asked to look, and to make it anew. One
// of the earlier system cannot be asked; there a new registration makes another.
#pragma once

#include <functional>
#include <utility>

#include "libdd/agent/context.hpp"
#include "libdd/agent/cp_calls.hpp"
#include "libdd/tunnel/connector.hpp"

namespace dd::agent {

/// Use on one io thread.
class TunnelKeeper {
 public:
  /// The longest pause between two questions, as a multiple of DD_TUNNEL_CHECK_AFTER.
  static constexpr int kLongestPause = 10;

  /// `gone` is called when this agent has to register again to have a tunnel.
  TunnelKeeper(Context& context, CpCalls& calls, tunnel::Connector& connector, std::function<void()> gone)
      : context_(context), calls_(calls), connector_(connector), gone_(std::move(gone)), stop_(context.executor) {}
  /// Until stop().
  net::Task<void> run();
  void stop();

 private:
  /// Whether the connector has got a new token.
  net::Task<Result<bool>> ask();

  Context& context_;
  CpCalls& calls_;
  tunnel::Connector& connector_;
  std::function<void()> gone_;
  net::Event stop_;
  bool stopping_ = false;
};

}  // namespace dd::agent
