// The VM's identity: keys that exist only in this process's memory, for as long as it lives (design: "From boot to dropped").
#pragma once

#include <memory>
#include <string>

#include "dd/random.hpp"
#include "libdd/crypto/okp.hpp"

namespace dd::enclave {

/// Pinned in memory, wiped when it goes.
class VmKeys {
 public:
  explicit VmKeys(Random& random);
  ~VmKeys();
  VmKeys(const VmKeys&) = delete;
  VmKeys& operator=(const VmKeys&) = delete;

  [[nodiscard]] const crypto::OkpPrivateKey& signing() const noexcept { return secrets_->signing; }
  [[nodiscard]] const crypto::OkpPrivateKey& sealing() const noexcept { return secrets_->sealing; }
  /// Salt of the commitments in the event log.
  [[nodiscard]] ByteView log_salt() const noexcept { return secrets_->log_salt; }
  [[nodiscard]] const std::string& boot_id() const noexcept { return boot_id_; }

 private:
  struct Secrets {
    crypto::OkpPrivateKey signing;
    crypto::OkpPrivateKey sealing;
    Digest256 log_salt;
  };
  std::unique_ptr<Secrets> secrets_;
  std::string boot_id_;
};

/// No core dumps, no debugger, no /proc/<pid>/mem for other processes of this uid.
void make_process_undumpable();

}  // namespace dd::enclave
