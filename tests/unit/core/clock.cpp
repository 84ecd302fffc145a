#include "dd/clock.hpp"

#include <doctest/doctest.h>

using namespace dd;

TEST_CASE("a manual clock moves only when told") {
  ManualClock clock(Clock::TimePoint(std::chrono::milliseconds(1'700'000'000'250)));
  CHECK(clock.unix_seconds() == 1'700'000'000);
  CHECK(clock.unix_millis() == 1'700'000'000'250);
  clock.advance(std::chrono::milliseconds(750));
  CHECK(clock.unix_seconds() == 1'700'000'001);
}

TEST_CASE("the machine's clock knows this century") { CHECK(system_clock().unix_seconds() > 1'600'000'000); }
