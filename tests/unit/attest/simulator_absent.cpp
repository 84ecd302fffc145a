// Part of builds without the simulator.
#include <doctest/doctest.h>

#include "dd/quote_source.hpp"

TEST_CASE("a build without the simulator says so") {
  const auto source = dd::make_simulated_quote_source("/nonexistent");
  REQUIRE_FALSE(source.has_value());
  CHECK(source.error().code == dd::ErrorCode::unsupported);
  CHECK(source.error().message == "cannot simulate TDX: this build has no simulator (-Dsimulation=true)");
}
