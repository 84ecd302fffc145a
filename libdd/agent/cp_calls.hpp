// Calls to the control plane under the agent's own key (dd-call+jwt).
#pragma once

#include <string>
#include <vector>

#include "dd/workload.hpp"
#include "libdd/agent/context.hpp"
#include "libdd/net/turns.hpp"
#include "libdd/protocol/fleet.hpp"

namespace dd::agent {

/// Numbers that no other message of this VM carries, taken from the runtime in blocks.
class SequenceNumbers {
 public:
  SequenceNumbers(asio::any_io_executor executor, enclave_client::Capability& capability)
      : capability_(capability), turns_(std::move(executor)) {}
  net::Task<Result<std::int64_t>> next();

 private:
  enclave_client::Capability& capability_;
  std::int64_t next_ = 0;
  std::int64_t left_ = 0;
  net::Turns turns_;  // one block at a time, or numbers would leave out of order
};

/// How long to wait after that refusal before the control plane is asked again: `pause`, or what it has asked for itself and up to a quarter more, for
/// others were told the same; a minute and a quarter at most, for that is not signed.
[[nodiscard]] std::chrono::milliseconds heeded(std::chrono::milliseconds pause, const Error& error, Random& random);

/// What the control plane has sealed for this VM. Errors: those of the capability.
net::Task<Result<Secret>> open_run_token(Context& context, std::string agent_id, Bytes sealed);

class CpCalls {
 public:
  CpCalls(Context& context, SequenceNumbers& numbers) : context_(context), numbers_(numbers) {}
  /// The full list of what this agent exposes. The public host names are in its order.
  /// Errors: unavailable when not registered; not_found with reason agent_unknown when the control plane forgot us.
  net::Task<Result<protocol::IngressAnswer>> replace_ingress(std::vector<Expose> extras);

  /// Whether the control plane knows this agent. Errors: not_found with reason agent_unknown when it does not.
  net::Task<Result<void>> check();
  /// The token of a new tunnel, where the control plane finds that this agent's is gone; none where it is there. Errors also: unsupported from an
  /// earlier control plane.
  net::Task<Result<std::optional<Secret>>> check_tunnel();

 private:
  net::Task<Result<HttpResponse>> post(std::string path, std::string body);

  Context& context_;
  SequenceNumbers& numbers_;
};

}  // namespace dd::agent
