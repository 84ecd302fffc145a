#include "libdd/attest/simulated/simulator.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd::attest {
namespace {

Measurement measurement_of(std::string_view what, const std::string& runtime_digest) {
  const std::string text = "dd/simulated/" + std::string(what) + "/v1 " + runtime_digest;
  return crypto::sha384(as_bytes(text));
}

}  // namespace

SimulatedMeasurements simulated_measurements(const std::string& runtime_digest) {
  SimulatedMeasurements measurements;
  measurements.mrtd = measurement_of("mrtd", runtime_digest);
  for (std::size_t i = 0; i < measurements.rtmr.size(); ++i)
    measurements.rtmr[i] = measurement_of("rtmr" + std::to_string(i), runtime_digest);
  return measurements;
}

}  // namespace dd::attest
