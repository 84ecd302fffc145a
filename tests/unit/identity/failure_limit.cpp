#include "libdd/identity/failure_limit.hpp"

#include <doctest/doctest.h>

#include "tests/support/check_error.hpp"

using namespace dd;
using namespace dd::identity;

namespace {

constexpr std::int64_t kStart = 1'000'000;

}  // namespace

TEST_CASE("a client that fails too often waits for the end of its window, and nobody else does") {
  FailureLimit limit({3, std::chrono::seconds(600), 8});
  for (const auto at : {0, 0, 100}) CHECK(limit.begin("a", kStart + at).has_value());
  test::check_error(limit.begin("a", kStart + 200), ErrorCode::rate_limited, {},
                    "cannot sign in: too many failed attempts, try again in 400 s");
  CHECK(limit.begin("b", kStart + 200).has_value());
  CHECK_FALSE(limit.begin("a", kStart + 599).has_value());
  CHECK(limit.begin("a", kStart + 600).has_value());
}

TEST_CASE("tries that are under way count, and those that were no failure do not") {
  FailureLimit limit({2, std::chrono::seconds(600), 8});
  CHECK(limit.begin("a", kStart).has_value());
  CHECK(limit.begin("a", kStart).has_value());
  CHECK_FALSE(limit.begin("a", kStart).has_value());
  limit.forgive("a");
  CHECK(limit.begin("a", kStart).has_value());
  CHECK_FALSE(limit.begin("a", kStart).has_value());
}

TEST_CASE("forgiving more than there was gives nobody more tries") {
  FailureLimit limit({1, std::chrono::seconds(600), 8});
  limit.forgive("a");
  CHECK(limit.begin("a", kStart).has_value());
  for (int i = 0; i < 3; ++i) limit.forgive("a");
  CHECK(limit.begin("a", kStart).has_value());
  CHECK_FALSE(limit.begin("a", kStart).has_value());
}

TEST_CASE("a clock that is set back locks nobody out") {
  FailureLimit limit({1, std::chrono::seconds(600), 8});
  CHECK(limit.begin("a", kStart).has_value());
  CHECK_FALSE(limit.begin("a", kStart).has_value());
  CHECK(limit.begin("a", kStart - 100'000).has_value());
}

TEST_CASE("a crowd of clients takes bounded memory, and only the oldest is forgotten") {
  FailureLimit limit({1, std::chrono::seconds(600), 2});
  CHECK(limit.begin("old", kStart).has_value());
  CHECK(limit.begin("young", kStart + 1).has_value());
  CHECK(limit.begin("new", kStart + 2).has_value());
  CHECK_FALSE(limit.begin("young", kStart + 2).has_value());
  CHECK_FALSE(limit.begin("new", kStart + 2).has_value());
  CHECK(limit.begin("old", kStart + 2).has_value());
}
