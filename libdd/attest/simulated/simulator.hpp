// Simulated TDX: quotes in the real layout under a root of its own, RTMRs that extend, the debug bit set so that nobody mistakes them.
// Compiled under -Dsimulation=true only; in other builds everything that makes or reads something is `unsupported`.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "dd/clock.hpp"
#include "dd/quote_source.hpp"

namespace dd::attest {

/// What the simulated TD measures at boot; `ddctl up` writes its policy from the same values.
struct SimulatedMeasurements {
  Measurement mrtd{};
  std::array<Measurement, 3> rtmr{};
};
/// From the digest ("sha256:…") of the runtime's executable: the same build measures the same.
[[nodiscard]] SimulatedMeasurements simulated_measurements(const std::string& runtime_digest);

/// A root (certificate and P-256 key), made anew at each `up`. Valid for seven days, and so is everything under it.
struct SimulatorRoot {
  std::string certificate_pem;
  std::string key_pem;
};
[[nodiscard]] Result<SimulatorRoot> make_simulator_root(const Clock& clock = system_clock());
/// The file that make_simulated_quote_source reads: JSON {"root_certificate","root_key","runtime_digest"}, 0600. Replaces one that is there.
/// Errors: unavailable.
[[nodiscard]] Result<void> write_simulator_file(const std::filesystem::path& file, const SimulatorRoot& root,
                                                const std::string& runtime_digest);
struct SimulatorFile {
  SimulatorRoot root;
  std::string runtime_digest;
};
/// Errors: those of read_secret_file; malformed with the JSON path.
[[nodiscard]] Result<SimulatorFile> read_simulator_file(const std::filesystem::path& file);
/// A source straight from a root, for tests. Each has an attestation key and a PCK chain of its own; RTMR3 starts at zero.
/// Errors: malformed when the root cannot be read.
[[nodiscard]] Result<std::unique_ptr<QuoteSource>> make_simulated_quote_source(
    const SimulatorRoot& root, const SimulatedMeasurements& measurements, const Clock& clock = system_clock());

}  // namespace dd::attest
