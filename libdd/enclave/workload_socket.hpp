// The methods of the workload socket (docs/wire.md, 8), which speaks easyenclave's protocol and keeps its error texts.
#pragma once

#include <chrono>
#include <string>

#include "libdd/enclave/runtime.hpp"
#include "libdd/net/line_socket.hpp"

namespace dd::enclave {

/// Use on one io thread.
class WorkloadSocket {
 public:
  /// Borrows all.
  WorkloadSocket(const Settings& settings, Runtime& runtime, MeasuredLog& log, const VmKeys& keys);

  /// Answers one request line. The token and the peer's uid must both be right: a token read from somewhere opens nothing.
  net::Task<net::LineReply> answer(std::string line, net::Peer peer);

 private:
  struct Call;
  [[nodiscard]] Result<Call> admitted_call(std::string_view line, const net::Peer& peer) const;
  [[nodiscard]] Result<void> admit(const Json& request, const net::Peer& peer) const;
  net::Task<Result<Json>> call(std::string method, Json request, net::Peer peer);
  [[nodiscard]] Json health() const;
  net::Task<Result<Json>> list(Json request);
  net::Task<Result<Json>> wait(Json request);
  [[nodiscard]] Result<Json> logs(const Json& request) const;
  [[nodiscard]] Result<Json> deploy(Json request);
  [[nodiscard]] Result<Json> redeploy(const Json& request);
  net::Task<Result<Json>> stop(Json request);
  net::Task<Result<Json>> attest(Json request, net::Peer peer);

  const Settings& settings_;
  Runtime& runtime_;
  MeasuredLog& log_;
  const VmKeys& keys_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace dd::enclave
