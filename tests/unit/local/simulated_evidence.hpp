// Quotes of a simulated TD, made once per program: its root, and a quote over any report data.
#pragma once

#include <chrono>
#include <memory>

#include "dd/quote_source.hpp"
#include "libdd/attest/simulated/simulator.hpp"
#include "libdd/crypto/jws.hpp"

namespace dd::local {

inline const attest::SimulatorRoot& simulator_root() {
  static const auto root = attest::make_simulator_root().value();
  return root;
}

inline Quote simulated_quote(const ReportData& report_data, const attest::SimulatorRoot& root = simulator_root()) {
  attest::SimulatedMeasurements measurements;
  measurements.mrtd.fill(std::byte{0xa2});
  measurements.rtmr[0].fill(std::byte{0xb0});
  const auto source = attest::make_simulated_quote_source(root, measurements).value();
  return source->quote(report_data, std::chrono::seconds(10)).value();
}

/// 2048 bits: made faster than a service's own key.
inline const crypto::RsaPrivateKey& test_key() {
  static const auto key = crypto::RsaPrivateKey::generate(2048);
  return key;
}

}  // namespace dd::local
