// GET /health and GET /log: little for anyone, everything with proof for the control plane that we registered with.
#pragma once

#include <chrono>
#include <map>

#include "libdd/agent/context.hpp"
#include "libdd/agent/cp_calls.hpp"
#include "libdd/agent/exposer.hpp"
#include "libdd/agent/refresher.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::agent {

class PollApi {
 public:
  /// `unknown_key` is called when a poll is signed by a key that we do not know.
  PollApi(Context& context, SequenceNumbers& numbers, Exposer& exposer, Refresher& refresher,
          std::function<void()> unknown_key);
  void add_routes(net::Router& router);

 private:
  enum class Use { once, pages };

  net::Task<Result<net::ServerResponse>> health(const net::ServerRequest& request);
  net::Task<Result<net::ServerResponse>> log_page(const net::ServerRequest& request);
  [[nodiscard]] net::ServerResponse public_health() const;
  net::Task<Result<net::ServerResponse>> seed_health();
  [[nodiscard]] std::int64_t uptime_secs() const;
  [[nodiscard]] Result<protocol::PollClaims> accept_poll(const net::ServerRequest& request, Use use);
  net::Task<Result<protocol::AgentHealth>> full_health(std::int64_t log_from);
  net::Task<Result<std::string>> proof_for(protocol::AgentHealth health, std::string body, Digest256 nonce);

  Context& context_;
  SequenceNumbers& numbers_;
  Exposer& exposer_;
  Refresher& refresher_;
  std::function<void()> unknown_key_;
  std::map<Digest256, std::int64_t> seen_;  // poll nonce → when it may be forgotten
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace dd::agent
