#include "libdd/core/rfc3339.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace dd;

TEST_CASE("a time is written in UTC to the second, and read back") {
  for (const std::int64_t seconds :
       {std::int64_t{0}, std::int64_t{951'782'400}, std::int64_t{1'790'000'000}, std::int64_t{4'102'444'799}})
    CHECK(from_rfc3339(to_rfc3339(seconds)) == seconds);
  CHECK(to_rfc3339(951'782'400) == "2000-02-29T00:00:00Z");
  CHECK(from_rfc3339("2000-02-29") == 951'782'400);
}

TEST_CASE("no other form is taken for a time") {
  for (const char* text :
       {"", "2026", "2026-1-2", "2026-02-30", "2026-13-01", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00",
        "2026-01-01T00:00:00+01:00", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00Zx", " 2026-01-01"}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(from_rfc3339(text).has_value());
  }
}
