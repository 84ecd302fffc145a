// What Intel's parts of a machine would do: a PCK certificate under a root, a quoting enclave that vouches for an attestation key, and quotes
// signed with it. Private to libdd/attest/simulated.
#pragma once

#include <cstdint>

#include "dd/quote.hpp"
#include "libdd/attest/simulated/simulator.hpp"
#include "libdd/crypto/certificate_builder.hpp"

namespace dd::attest {

/// Its attestation key and chain are made with it, and live as long. const access is thread-safe.
class SimulatedPlatform {
 public:
  /// `now` in unix seconds. Errors: those of reading the root.
  [[nodiscard]] static Result<SimulatedPlatform> make(const SimulatorRoot& root, std::int64_t now);

  /// A version 4 quote over `report`.
  [[nodiscard]] Result<Quote> sign(const TdReport& report) const;

 private:
  explicit SimulatedPlatform(crypto::EcPrivateKey attestation_key) : attestation_key_(std::move(attestation_key)) {}

  crypto::EcPrivateKey attestation_key_;
  QuoteSignature vouched_;  // everything but the quote's own signature
};

/// The root is valid for `kSimulatorDays` from its making, and nothing under it outlives it.
inline constexpr int kSimulatorDays = 7;
/// Clocks of the parts of a fleet may differ by this much.
inline constexpr std::int64_t kSimulatorLeeway = 3600;

}  // namespace dd::attest
