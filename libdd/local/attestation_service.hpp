// The local attestation service: speaks Intel Trust Authority's attest calls, verifies quotes under the roots it is given and signs tokens in
// ITA's format under an issuer and an attester type of its own, so that nobody takes them for ITA's.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dd/clock.hpp"
#include "dd/secret.hpp"
#include "libdd/crypto/jws.hpp"
#include "libdd/local/faults.hpp"
#include "libdd/local/token_keys.hpp"
#include "libdd/net/task.hpp"

namespace dd::local {

struct AttestationServiceOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one
  /// What clients send as x-api-key.
  Secret api_key;
  /// Certificates (PEM) under which a quote is believed: the simulator's.
  std::vector<std::string> roots_pem;
  std::string attester_type = "TDX-SIMULATED";
  std::string tcb_status = "UpToDate";
  std::chrono::seconds token_lifetime{300};
  /// RSA, 3072 bits. None: one is made on a thread of its own, and the first calls wait for it.
  std::optional<crypto::RsaPrivateKey> key;
  const Clock* clock = nullptr;  // none: the machine's
};

/// Start, stop and destroy on the executor's thread; everything below stop() from any thread.
class AttestationService {
 public:
  AttestationService(net::asio::any_io_executor executor, AttestationServiceOptions options);
  AttestationService(const AttestationService&) = delete;
  AttestationService& operator=(const AttestationService&) = delete;
  ~AttestationService();

  /// Errors: unavailable when it cannot listen.
  [[nodiscard]] Result<void> start();
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// Value for DD_ITA_BASE_URL; also the `iss` of the tokens.
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::string jwks_url() const;
  net::Task<void> stop();

  void set_token_lifetime(std::chrono::seconds lifetime);
  void set_tcb_status(std::string status);
  /// Signs with `key` from now on.
  void rotate_key(crypto::RsaPrivateKey key, OldKeys old);
  [[nodiscard]] Faults& faults() noexcept;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace dd::local
