// What a trusted boot workload may ask of the runtime that holds the VM's keys (docs/wire.md, 9).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dd/bytes.hpp"
#include "dd/report_data.hpp"
#include "libdd/crypto/okp.hpp"
#include "libdd/net/task.hpp"
#include "libdd/protocol/health.hpp"

namespace dd {
class QuoteService;
class EventLog;
}  // namespace dd

namespace dd::enclave_client {

struct VmKeys {
  crypto::OkpPublicKey signing{crypto::Curve::ed25519, {}};
  crypto::OkpPublicKey sealing{crypto::Curve::x25519, {}};
  std::string boot_id;
  std::string attestation_type;
  bool boundary = false;
};

/// A quote that the runtime bound to its own keys and log.
struct BoundQuote {
  Bytes quote;
  Bytes runtime_data;  // P
  std::int64_t quoted_events = 0;
  Digest384 log_head{};
};

/// Use on one io thread. Errors: unavailable when the runtime is gone.
class Capability {
 public:
  virtual ~Capability() = default;
  virtual net::Task<Result<VmKeys>> keys() = 0;
  /// A complete JWS. `typ` must be one of the statements of docs/wire.md, 3.
  virtual net::Task<Result<std::string>> sign(std::string typ, nlohmann::json claims) = 0;
  virtual net::Task<Result<Bytes>> open(std::string info, std::string aad, Bytes sealed) = 0;
  /// First of `count` call numbers that are the caller's alone.
  virtual net::Task<Result<std::int64_t>> seq(std::int64_t count) = 0;
  /// `fields` are those that the caller knows (docs/wire.md, 9).
  virtual net::Task<Result<BoundQuote>> quote(std::string tag, std::vector<Digest256> fields) = 0;
  virtual net::Task<Result<protocol::LogPage>> log(std::int64_t from) = 0;
  /// Ends the VM. Errors: unsupported where the runtime is not its PID 1; permission_denied for an agent.
  virtual net::Task<Result<void>> power_off() = 0;
};

/// Over the descriptor that the runtime handed down (DD_CAP_FD). Takes ownership of `fd`.
[[nodiscard]] std::unique_ptr<Capability> make_socket_capability(net::asio::any_io_executor executor, int fd);

/// Keys in this process's own memory, for a control plane that runs outside a VM. quote() and log() are unsupported.
[[nodiscard]] std::unique_ptr<Capability> make_local_capability();

}  // namespace dd::enclave_client
