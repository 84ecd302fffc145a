// Stands in for the simulator in builds without -Dsimulation=true: nothing in the program can make a simulated quote, and whoever asks for one
// (`ddctl up`, an enclave with a simulator file) is told.
#include "libdd/attest/simulated/simulator.hpp"

namespace dd {
namespace attest {
namespace {

tl::unexpected<Error> absent() {
  return fail(ErrorCode::unsupported, "cannot simulate TDX: this build has no simulator (-Dsimulation=true)");
}

}  // namespace

Result<SimulatorRoot> make_simulator_root(const Clock& /*clock*/) { return absent(); }

Result<void> write_simulator_file(const std::filesystem::path& /*file*/, const SimulatorRoot& /*root*/,
                                  const std::string& /*runtime_digest*/) {
  return absent();
}

Result<SimulatorFile> read_simulator_file(const std::filesystem::path& /*file*/) { return absent(); }

Result<std::unique_ptr<QuoteSource>> make_simulated_quote_source(const SimulatorRoot& /*root*/,
                                                                 const SimulatedMeasurements& /*measurements*/,
                                                                 const Clock& /*clock*/) {
  return absent();
}

}  // namespace attest

Result<std::unique_ptr<QuoteSource>> make_simulated_quote_source(const std::filesystem::path& /*file*/) {
  return attest::absent();
}

}  // namespace dd
