#include "libdd/identity/spent_ids.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::identity;

namespace {

void check_replayed(const Result<void>& spent) {
  REQUIRE_FALSE(spent.has_value());
  CHECK(spent.error().code == ErrorCode::unauthenticated);
  CHECK(spent.error().reason == "replayed");
}

}  // namespace

TEST_CASE("an id is good once") {
  SpentIds ids(8);
  CHECK_FALSE(ids.contains("a"));
  CHECK(ids.spend("a", 100, 10).has_value());
  CHECK(ids.contains("a"));
  check_replayed(ids.spend("a", 100, 10));
  check_replayed(ids.spend("a", 200, 99));
  CHECK(ids.spend("b", 100, 10).has_value());
}

TEST_CASE("an id that has expired is not good even once") {
  SpentIds ids(8);
  check_replayed(ids.spend("a", 100, 100));
  check_replayed(ids.spend("a", 100, 101));
}

TEST_CASE("a full set makes room by what has expired, and never by what could be used again") {
  SpentIds ids(2);
  REQUIRE(ids.spend("a", 100, 10).has_value());
  REQUIRE(ids.spend("b", 200, 10).has_value());
  const auto full = ids.spend("c", 300, 99);
  REQUIRE_FALSE(full.has_value());
  CHECK(full.error().code == ErrorCode::unavailable);
  CHECK_FALSE(ids.contains("c"));
  CHECK(ids.spend("c", 300, 100).has_value());
  CHECK_FALSE(ids.contains("a"));
  check_replayed(ids.spend("b", 200, 100));
}

TEST_CASE("a clock that is set back does not bring an id back") {
  SpentIds ids(1);
  REQUIRE(ids.spend("a", 100, 10).has_value());
  REQUIRE(ids.spend("b", 200, 100).has_value());  // "a" made room
  check_replayed(ids.spend("a", 100, 10));
}
