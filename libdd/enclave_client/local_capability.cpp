#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "dd/random.hpp"
#include "libdd/crypto/hpke.hpp"
#include "libdd/crypto/jws.hpp"
#include "libdd/enclave_client/capability.hpp"

namespace dd::enclave_client {
namespace {

std::string new_boot_id() {
  std::array<std::byte, 16> id{};
  system_random().fill(id);
  return to_hex(id);
}

class LocalCapability final : public Capability {
 public:
  net::Task<Result<VmKeys>> keys() override {
    VmKeys keys;
    keys.signing = signing_.public_key();
    keys.sealing = sealing_.public_key();
    keys.boot_id = boot_id_;
    keys.attestation_type = "none";
    co_return keys;
  }

  net::Task<Result<std::string>> sign(std::string typ, nlohmann::json claims) override {
    co_return crypto::sign_jws(signing_, typ, claims);
  }

  net::Task<Result<Bytes>> open(std::string info, std::string aad, Bytes sealed) override {
    co_return crypto::hpke_open(sealing_, as_bytes(info), as_bytes(aad), sealed);
  }

  net::Task<Result<std::int64_t>> seq(std::int64_t count) override {
    const auto first = next_seq_;
    next_seq_ += count;
    co_return first;
  }

  net::Task<Result<BoundQuote>> quote(std::string, std::vector<Digest256>) override {
    co_return fail(ErrorCode::unsupported, "cannot make a quote: this process runs outside a dd-enclave");
  }

  net::Task<Result<void>> power_off() override {
    co_return fail(ErrorCode::unsupported, "cannot power off: this process runs outside a dd-enclave");
  }

  net::Task<Result<protocol::LogPage>> log(std::int64_t) override {
    co_return fail(ErrorCode::unsupported, "cannot read the event log: this process runs outside a dd-enclave");
  }

 private:
  crypto::OkpPrivateKey signing_ = crypto::OkpPrivateKey::generate(crypto::Curve::ed25519, system_random());
  crypto::OkpPrivateKey sealing_ = crypto::OkpPrivateKey::generate(crypto::Curve::x25519, system_random());
  std::string boot_id_ = new_boot_id();
  // The keys are as young as the process, so the numbers may start anew with it.
  std::int64_t next_seq_ = 1;
};

}  // namespace

std::unique_ptr<Capability> make_local_capability() { return std::make_unique<LocalCapability>(); }

}  // namespace dd::enclave_client
