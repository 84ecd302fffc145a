// Part of builds without the simulator.
#include <doctest/doctest.h>

#include "libdd/attest/simulated/simulator.hpp"

using namespace dd;

namespace {

template <class T>
void check_absent(const Result<T>& answer) {
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code == ErrorCode::unsupported);
  CHECK(answer.error().message == "cannot simulate TDX: this build has no simulator (-Dsimulation=true)");
}

}  // namespace

TEST_CASE("a build without the simulator says so") {
  check_absent(make_simulated_quote_source("/nonexistent"));
  check_absent(attest::make_simulated_quote_source({}, {}));
  check_absent(attest::make_simulator_root());
  check_absent(attest::read_simulator_file("/nonexistent"));
  check_absent(attest::write_simulator_file("/nonexistent", {}, ""));
}
